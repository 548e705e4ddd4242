package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestWithoutGit says what is missing where an argument needs the git program.
func TestWithoutGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var said bytes.Buffer
	c := &command{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &said, env: func(string) (string, bool) { return "", false }}
	if code := c.main([]string{"diff", "git:main:site.cue", "site.cue"}); code != exitFailure || !strings.Contains(said.String(), "needs the git program") {
		t.Errorf("exit %d: %s", code, said.String())
	}
}
