package examples

import (
	"os"
	"strings"
	"testing"
)

// TestReadme: the list of examples has a line for each, so that who looks for a kind of site finds it.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if link := "[" + name + "](" + name + "/site.cue)"; !strings.Contains(string(readme), link) {
			t.Errorf("examples/README.md has no line with %s", link)
		}
	}
}
