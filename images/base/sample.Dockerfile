# The sample project, drawn once: ten seconds of a core. Its folder is what a new bucket is a copy of. Never shipped itself.
ARG TOOLS=somahub-tools
FROM ${TOOLS}
RUN --mount=type=bind,target=/source \
    PYTHONPATH=/source/hub PYTHONDONTWRITEBYTECODE=1 /opt/build/bin/python -c \
    'from pathlib import Path; from somahub.sample import make; make(Path("/opt/somahub/sample"))'
