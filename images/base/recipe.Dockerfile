# The environment of one recipe, APP, built as on one machine, at the path where a session sees it. One layer a part:
# several are pulled at once, and building needs less room.
ARG START=somahub-runtime
ARG BUILDER=somahub-builder
FROM ${BUILDER} AS builder
FROM ${START}
ARG APP
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine --mount=type=cache,id=somahub,target=/var/cache/somahub \
    --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    sh /source/images/base/as-here /opt/build/bin/python -m somahub.images.environment /source/images/$APP /var/cache/somahub \
    && /opt/build/bin/python -m somahub.images.environment /source/images/$APP /var/cache/somahub --put 1 3
RUN --mount=type=bind,target=/source --mount=type=cache,id=somahub,target=/var/cache/somahub \
    --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    /opt/build/bin/python -m somahub.images.environment /source/images/$APP /var/cache/somahub --put 2 3
RUN --mount=type=bind,target=/source --mount=type=cache,id=somahub,target=/var/cache/somahub \
    --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    /opt/build/bin/python -m somahub.images.environment /source/images/$APP /var/cache/somahub --put 3 3
