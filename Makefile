# What each target needs is Go, git and make; `make test` as root on Debian installs the real programs that it runs.
.PHONY: build demo test golden check bench kill fuzz real-api generate

BIN := bin/meshgen
export GOFLAGS := -buildvcs=false

build:
	go build -trimpath -o $(BIN) ./cmd/meshgen

# Compiles the main example into out/ and prints the summary.
demo: build
	$(BIN) build -o out examples/fra1/site.cue

# Everything, with the real programs where they can be had.
test: build
	@.ci/programs
	go test -timeout 60m ./...

# The golden trees, and mistakes in them, before a real kube-apiserver: built once a release, then a minute or two.
real-api:
	@.ci/programs
	@.ci/kube-apiserver
	MESHGEN_REAL=require go test ./compiler/realapi -v -count=1 -timeout 10m

# Rewrites golden files, then proves that they hold.
golden:
	MESHGEN_UPDATE=1 go test ./... 
	go test ./...

# What CI asks besides the tests.
check:
	@test -z "$$(gofmt -l .)" || { echo "gofmt:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go test ./compiler -run 'Floors|Fresh|References'
	@.ci/fresh

# Times the program on small and large sites beside cue vet, as fresh processes; medians of 20.
bench: build
	MESHGEN_BIN=$(CURDIR)/$(BIN) CUE_BIN="$$(go tool -n cue)" go test ./cmd/meshgen -run '^$$' -bench Budgets -benchtime 1x -timeout 60m

# A thousand builds killed at random instants, of a site, of a fleet and of a tree alone: minutes.
kill:
	MESHGEN_KILLS=1000 go test ./cmd/meshgen ./compiler/artifact -count 1 -v -run Killed -timeout 60m

fuzz:
	@.ci/fuzz $(or $(TIME),20s)

# The schemas of compiler/verify/schemas are derived from upstream CRDs, which are not kept here: see its README.
generate:
	go generate ./profiles/...
