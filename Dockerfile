# Tandem as an image: wheels only (no compiler in any stage), the versions of uv.lock with their hashes, no root.
#
#   docker build -t tandem .
#   docker run --network host -v ./tandem.toml:/etc/tandem/tandem.toml:ro -v tandem:/var/lib/tandem tandem
#
# Host networking, because SIP and RTP name addresses and use thousands of ports: see docs/operation.md.

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# what others made: a layer that changes only when the lock does
COPY pyproject.toml uv.lock ./
RUN pip install --only-binary :all: "uv>=0.8,<1" \
 && uv export --quiet --frozen --no-dev --extra postgres --no-emit-project --output-file requirements.txt \
 && python -m venv /opt/tandem \
 && /opt/tandem/bin/pip install --only-binary :all: --require-hashes --requirement requirements.txt
# what we made
COPY README.md LICENSE ./
COPY gateway ./gateway
COPY signaling ./signaling
COPY media ./media
COPY web ./web
RUN /opt/tandem/bin/pip install --no-deps . \
 && /opt/tandem/bin/python -m compileall -q /opt/tandem/lib \
 && /opt/tandem/bin/python -m pip uninstall --yes --quiet pip \
 && /opt/tandem/bin/tandem --version

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 tandem \
 && useradd --system --uid 10001 --gid tandem --home-dir /var/lib/tandem --create-home --shell /usr/sbin/nologin tandem
COPY --from=build /opt/tandem /opt/tandem
COPY deploy/healthcheck.py /opt/tandem/healthcheck.py
ENV PATH=/opt/tandem/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# recordings, records and their spool are kept here
WORKDIR /var/lib/tandem
VOLUME /var/lib/tandem
USER 10001:10001
# the page, browsers' sound, SIP; RTP to phones is 20000-29999/udp
EXPOSE 8080/tcp 8443/udp 5060/udp 5060/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "/opt/tandem/healthcheck.py"]
ENTRYPOINT ["tandem"]
CMD ["serve", "--config", "/etc/tandem/tandem.toml"]
