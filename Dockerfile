# Two stages: the tools that build the wheel are not in the final image.
FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# Dependencies first, pinned by hash, because they change less often than the code. With PostgreSQL
# and OpenTelemetry; `--build-arg CONSTRAINTS=constraints.txt` leaves them out (25 MB).
ARG CONSTRAINTS=constraints-scale.txt
COPY .ci/${CONSTRAINTS} .ci/constraints-build.txt .ci/build_hook.py .ci/
RUN python -m venv /build \
 && /build/bin/pip install --require-hashes -r .ci/constraints-build.txt \
 && python -m venv /opt/pointsman \
 && /opt/pointsman/bin/pip install --require-hashes -r .ci/${CONSTRAINTS}

COPY pyproject.toml README.md LICENSE ./
COPY policies policies
COPY app app
RUN /build/bin/python -m hatchling build -t wheel \
 && /opt/pointsman/bin/pip install --no-deps dist/*.whl \
 && /opt/pointsman/bin/python -m compileall -q /opt/pointsman/lib

FROM python:3.13-slim
RUN useradd --system --uid 4477 --no-create-home pointsman \
 && install -d -o pointsman -g pointsman /data
COPY --from=build /opt/pointsman /opt/pointsman

# Pointsman writes only to /data; the rest of the file system may be read-only.
ENV PATH=/opt/pointsman/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    POINTSMAN_HOST=0.0.0.0 \
    POINTSMAN_STATE=/data
WORKDIR /data
USER 4477
VOLUME /data
EXPOSE 4477
STOPSIGNAL SIGTERM
# Asks at POINTSMAN_HOST and POINTSMAN_PORT, wherever these are set.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=2s \
  CMD ["pointsman", "health"]

# Reachable from outside the container, so it requires POINTSMAN_CALLER_KEYS or POINTSMAN_OPEN=1.
CMD ["pointsman", "run"]
