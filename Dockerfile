# One image for every process of the ledger: the API, the workers, the beat, and the local chain of a rehearsal.
FROM python:3.13-slim
WORKDIR /ledger

# What changes seldom comes first: dependencies by hash, then Anvil by the Node that comes with them.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY pyproject.toml README.md ./
COPY src ./src
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

# Nothing runs as root, and nothing but the home is written to.
RUN useradd --uid 10001 --no-create-home ledger && mkdir /home/town /home/node && chown ledger /home/town /home/node
USER ledger
ENV LEDGER_HOME=/home/town PATH=/ledger/node_modules/.bin:$PATH PYTHONUNBUFFERED=1
CMD ["ledger", "--help"]
