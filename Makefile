# The commands of the documents; each is one line of npm or docker. `make` alone builds.
.PHONY: build build-optimized test bench docker-build docker-run

# What `make bench` measures: `make bench BENCH="wire --quick"`; `node scripts/bench.mjs` lists all.
BENCH ?= storage --quick
IMAGE ?= minivault:latest
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# The program, for ./minivault and npx in the repository.
build:
	node scripts/build.mjs

# dist/minivault: the program in one folder of 3 MB that needs nothing but Node.
build-optimized:
	node scripts/standalone.mjs

test:
	node scripts/test.mjs

bench:
	node scripts/bench.mjs $(BENCH)

docker-build:
	docker build -t $(IMAGE) .

# Three nodes, on ports 3001 to 3003.
docker-run:
	$(COMPOSE) up -d
