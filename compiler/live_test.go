package compiler

import (
	"os"
	"testing"
)

// absent skips a test by the name of what it needs and this machine lacks; under MESHGEN_REAL=require it fails.
func absent(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("MESHGEN_REAL") == "require" {
		t.Fatalf("%s is not there, and MESHGEN_REAL=require", what)
	}
	t.Skipf("%s is not there", what)
}
