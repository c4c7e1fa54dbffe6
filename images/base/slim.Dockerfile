# Python, an init, and the one user that everything runs as: what every image starts from.
ARG DEBIAN=debian:12-slim
FROM ${DEBIAN}
ENV LANG=C.UTF-8
RUN --mount=type=bind,target=/source --mount=type=secret,id=machine \
    sh /source/images/base/as-here sh /source/images/base/install ca-certificates python3 tini \
    && groupadd --gid 1000 user \
    && useradd --uid 1000 --gid 1000 --create-home --home-dir /home/user --shell /bin/bash user \
    && install -d -m 0700 -o user -g user /run/user/1000
# Ends what a session leaves behind: the first process of a container is everybody's parent.
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["bash"]
