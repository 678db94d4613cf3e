# dockcycle itself: to supervise an engine (`dockcycle supervise --install --container`), and as the
# image of CI jobs. Build it with `docker build -t dockcycle .`.

FROM docker:29-cli AS docker

FROM python:3.13-slim AS build
WORKDIR /src
# The tested versions, in a layer of their own that a change of the code does not touch.
COPY constraints.txt pyproject.toml ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/dockcycle \
    && python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt \
    && /opt/dockcycle/bin/pip install --disable-pip-version-check \
        --requirement requirements.txt --constraint constraints.txt
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/dockcycle/bin/pip install --disable-pip-version-check --no-deps . \
    && /opt/dockcycle/bin/pip uninstall --yes pip

FROM python:3.13-slim
# Debian removes old versions of packages, so that a pinned one is soon not to be had.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client
COPY --from=docker /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker /usr/local/libexec/docker/cli-plugins /usr/local/libexec/docker/cli-plugins
COPY --from=build /opt/dockcycle /opt/dockcycle
ENV PATH=/opt/dockcycle/bin:$PATH \
    DOCKCYCLE_HOME=/var/lib/dockcycle
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="dockcycle" \
      org.opencontainers.image.description="From source to a tested, published, self-healing container" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
# No USER: this is of use only with the engine's socket, and who may use that is root anyway. Another
# user would only have to be given the number of the host's docker group, and be no less powerful.
ENTRYPOINT ["dockcycle"]
