# somahub's own wheel, with the pages of a session in it, and the builder of app environments. Never shipped.
ARG TOOLS=somahub-tools
FROM ${TOOLS}
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine --mount=type=cache,id=somahub,target=/var/cache/somahub \
    cp -r /source /tmp/tree && cd /tmp/tree/extensions/frontend \
    && PATH=/opt/build/bin:$PATH sh /source/images/base/as-here npm ci --ignore-scripts --no-audit --no-fund \
    && PATH=/opt/build/bin:$PATH npm run build \
    && cd /tmp/tree && rm -rf extensions/frontend/node_modules \
    && /opt/build/bin/python -m hatchling build -t wheel -d /opt/build/wheel \
    && /opt/build/bin/uv pip install --no-cache --offline --no-deps --python /opt/build/bin/python /opt/build/wheel/*.whl \
    && rm -rf /tmp/tree /tmp/node-* /root/.npm
