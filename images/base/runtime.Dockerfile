# What a session needs from Debian besides: the desktop, and what its programs load.
ARG SLIM=somahub-slim
FROM ${SLIM}
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine \
    sh /source/images/base/as-here sh /source/images/base/install \
       $(sed '1,/^# The desktop/d; s/#.*//' /source/requirements/system.txt)
