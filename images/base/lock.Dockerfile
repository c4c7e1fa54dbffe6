# A virtual environment of what one lock of requirements/ names, at /opt/somahub/NAME.
ARG SLIM=somahub-slim
ARG TOOLS=somahub-tools
FROM ${TOOLS} AS tools
FROM ${SLIM}
ARG NAME
ARG LOCK
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine --mount=type=cache,id=somahub,target=/var/cache/somahub \
    --mount=type=bind,from=tools,source=/opt/build,target=/opt/build \
    /opt/build/bin/uv venv -q --no-project --python /usr/bin/python3 /opt/somahub/$NAME \
    && sh /source/images/base/as-here /opt/build/bin/uv pip install --python /opt/somahub/$NAME/bin/python --no-deps \
       --require-hashes --only-binary :all: --compile-bytecode -r /source/requirements/$LOCK && rm -f /tmp/uv-*
