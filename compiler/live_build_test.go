package compiler

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// buildTime bounds a download from the module proxy with the build that follows.
const buildTime = 5 * time.Minute

// build is a Go module of its own, for programs of other projects that meshgen itself does not depend on.
type build struct {
	t    *testing.T
	ctx  context.Context
	tool string
	dir  string
}

func newBuild(t *testing.T) *build {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTime)
	t.Cleanup(cancel)
	return &build{t, ctx, real(t, "go"), t.TempDir()}
}

// sources is the folder of a module of the proxy, which has this checksum. Where the proxy is out of reach the test cannot run.
func (b *build) sources(module, sum string) string {
	b.t.Helper()
	out, err := b.run("mod", "download", "-json", module)
	var found struct{ Dir, Sum, Error string }
	if bad := json.Unmarshal(out, &found); bad != nil || err != nil || found.Error != "" {
		absent(b.t, module+" ("+found.Error+")")
	}
	if found.Sum != sum {
		b.t.Fatalf("%s has checksum %s, not %s", module, found.Sum, sum)
	}
	return found.Dir
}

func (b *build) write(name, text string) {
	b.t.Helper()
	file := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// program builds a package of the module. What the module needs is of the versions, and has the checksums, that its go.mod and
// go.sum list.
func (b *build) program(pkg string) string {
	b.t.Helper()
	if _, err := b.run("build", "-mod=mod", "-o", "program", pkg); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			b.t.Fatalf("%s: %v\n%s", pkg, err, exit.Stderr)
		}
		b.t.Fatal(err)
	}
	return filepath.Join(b.dir, "program")
}

func (b *build) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(b.ctx, b.tool, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	cmd.WaitDelay = time.Second
	return cmd.Output()
}
