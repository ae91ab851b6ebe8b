# Two images from one file: `--target gateway` (no torch) and `--target worker` (CUDA torch).

FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 \
    GRYPH_HOME=/var/lib/gryph
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git=1:2.39.* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 gryph \
    && install --directory --owner gryph --mode 0700 /var/lib/gryph
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY bot bot
COPY handlers handlers
COPY jobs jobs
COPY storage storage

FROM base AS gateway
RUN pip install --constraint constraints.txt .
USER gryph
EXPOSE 8414
HEALTHCHECK --interval=15s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8414/readyz', timeout=4)"]
ENV GRYPH_LISTEN=0.0.0.0:8414
CMD ["python", "-m", "bot.app"]

FROM base AS worker
# Namespaces are refused in most containers: the sandbox then runs on Landlock and seccomp. node runs
# pyright, which checks the types of generated code. The font is for Chinese and Japanese titles in
# pictures of plans, and LightGBM needs libgomp.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap=0.8.* nodejs=18.* \
        fonts-droid-fallback libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY engines engines
RUN pip install --constraint constraints.txt '.[worker]' \
    && python -m engines.planning warm
USER gryph
CMD ["python", "-m", "jobs.worker"]
