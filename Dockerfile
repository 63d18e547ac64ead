# The one image of all roles: webserver, daemon, jobs (docs/deployment.md).
#
#   docker build -t newsapi-dagster .
#
# The base is named by tag. Deployments pin it: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip in it: nothing is installed into the finished image.
RUN python -m venv --without-pip /opt/newsapi
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN pip --python /opt/newsapi/bin/python install --no-deps --require-hashes --only-binary=:all: -r requirements/runtime.txt \
    && pip install --no-deps --require-hashes --only-binary=:all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/newsapi/bin/python install --no-deps --no-index dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="newsapi-dagster" \
      org.opencontainers.image.licenses="MIT AND Apache-2.0"
ENV PATH=/opt/newsapi/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json \
    DUCKDB_PATH=/var/lib/newsapi/news.duckdb \
    DAGSTER_HOME=/var/lib/newsapi/dagster
# Nothing can be installed into the finished image, not even by the base's own pip.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip \
        /usr/bin/pip* /usr/lib/python3*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/share/python-wheels \
        /root/.cache /var/lib/apt/lists/* \
    && groupadd --gid 10001 newsapi \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/newsapi --shell /usr/sbin/nologin newsapi \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/newsapi
COPY --from=build /opt/newsapi /opt/newsapi
COPY --chmod=0755 docker/entrypoint.sh docker/healthcheck.py /usr/local/bin/
WORKDIR /var/lib/newsapi
# By number, so that a platform can see that it isn't root.
USER 10001:10001
EXPOSE 3000 8060 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["python", "-I", "-S", "/usr/local/bin/healthcheck.py"]
ENTRYPOINT ["entrypoint.sh"]
CMD ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-m", "newsapi_dentsu.definitions"]
