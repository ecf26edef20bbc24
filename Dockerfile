# The server in a container; docs/cli.md, "In a container", says how to start it. Its project is mounted at /project.

FROM node:20-slim AS page
WORKDIR /build/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --ignore-scripts
COPY web .
RUN npm run build

FROM python:3.13-slim AS build
WORKDIR /build
COPY . .
COPY --from=page /build/server/static server/static
# The versions of requirements.lock, and none of its packages that only developers need.
RUN python -m venv /opt/dagscope \
    && sed -E '/^ +--hash/d; s/ \\$//' requirements.lock > /tmp/constraints.txt \
    && /opt/dagscope/bin/pip install --no-cache-dir --constraint /tmp/constraints.txt .

FROM python:3.13-slim
RUN useradd --uid 1000 --create-home dagscope && install --directory --owner dagscope --group dagscope /project
COPY --from=build /opt/dagscope /opt/dagscope
ENV PATH=/opt/dagscope/bin:$PATH PYTHONUNBUFFERED=1
USER 1000:1000
WORKDIR /project
EXPOSE 8080
# Without a proxy: the request must reach this container, whatever http_proxy says.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["dagscope"]
CMD ["serve", "--host", "0.0.0.0"]
