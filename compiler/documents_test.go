package compiler

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fences returns the blocks of shell commands of a document.
func fences(text string) []string {
	var out []string
	for i, part := range strings.Split(text, "```") {
		if body, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			out = append(out, body)
		}
	}
	return out
}

// eachFence runs f on every block of commands of every document.
func eachFence(t *testing.T, f func(t *testing.T, commands string)) {
	t.Helper()
	n := 0
	eachMatch(t, "docs/*/*.md", func(t *testing.T, file string) {
		for _, commands := range fences(read(t, file)) {
			n++
			f(t, commands)
		}
	})
	if n < 20 {
		t.Errorf("%d blocks of commands", n)
	}
}

// TestRealCommands lets bash parse what an operator pastes, and kubectl, where it is there, its own command lines.
func TestRealCommands(t *testing.T) {
	bash := real(t, "bash")
	kubectl, _ := exec.LookPath("kubectl")
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(nobody), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	eachFence(t, func(t *testing.T, commands string) {
		cmd := exec.Command(bash, "-n")
		cmd.Stdin = strings.NewReader(commands)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, commands)
		}
		for _, line := range kubectlLine.FindAllString(commands, -1) {
			line, _, _ = strings.Cut(line, " && ")
			shape := given.ReplaceAllString(line, "$1$2 x")
			if seen[shape] || kubectl == "" || strings.Contains(line, "--from-file") { // the files are the operator's
				continue
			}
			seen[shape] = true
			inner := substitution.FindStringSubmatch(line)
			if inner != nil { // what it would print is not to be had: it is read by itself, and a word stands for it
				line = strings.Replace(line, inner[0], "n", 1)
				if complaint := misread(bash, config, inner[1]); complaint != "" {
					t.Errorf("%s\n%s", inner[1], complaint)
				}
			}
			if complaint := misread(bash, config, line); complaint != "" {
				t.Errorf("%s\n%s", line, complaint)
			}
		}
	})
}

// kubectlLine is a command that begins a line, up to what the shell takes from there.
var kubectlLine = regexp.MustCompile(`(?m)^kubectl [^|#\n]*`)

// given is what differs between commands of one form, and kubectl hands on unread: namespaces, paths, names behind a kind.
var given = regexp.MustCompile(`( -n| --namespace) [a-z0-9-]+|(kubernetes|deployment|daemonset|statefulset|externalsecret)/[A-Za-z0-9/.-]+`)

// substitution is a command line of kubectl whose output is an argument.
var substitution = regexp.MustCompile(`\$\((kubectl [^()]*)\)`)

// nobody is the configuration of a cluster that does not answer: a command or flag that kubectl does not know is refused
// before it connects.
const nobody = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c}}]
current-context: c
`

// misread returns what kubectl says when it does not understand a command line, or nothing.
func misread(bash, config, line string) string {
	cmd := exec.Command(bash, "-c", "N=n p=p; "+line)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config)
	cmd.Dir = filepath.Dir(config)
	out, _ := cmd.CombinedOutput()
	for _, complaint := range []string{"unknown flag", "unknown shorthand", "unknown command", "flag needs", "invalid argument", "See 'kubectl", "Usage:", "must be specified"} {
		if strings.Contains(string(out), complaint) {
			return string(out)
		}
	}
	return ""
}
