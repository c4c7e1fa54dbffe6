# What the other images are built with: uv, and what the hub's own environment on one machine has. Never shipped.
ARG SLIM=somahub-slim
FROM ${SLIM}
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine --mount=type=cache,id=somahub,target=/var/cache/somahub \
    sh /source/images/base/as-here sh /source/images/base/install python3-venv \
    && python3 -m venv /opt/build \
    && sh /source/images/base/as-here /opt/build/bin/pip install -q --no-cache-dir --no-deps --require-hashes \
       --only-binary :all: -r /source/requirements/uv.txt \
    && sh /source/images/base/as-here /opt/build/bin/uv pip install --python /opt/build/bin/python --no-deps --require-hashes \
       --only-binary :all: -r /source/requirements/hub.txt
