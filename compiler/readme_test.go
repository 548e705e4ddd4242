package compiler

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/check/rules"
)

// TestGoldenReleases holds the README's table of what output is written for to the rule that refuses all else.
// MESHGEN_UPDATE=1 rewrites it.
func TestGoldenReleases(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	row := func(what string, names []string) {
		fmt.Fprintf(&table, "| %s | %s |\n", what, strings.Join(names, "; "))
	}
	// with names each kind with the releases of its component.
	with := func(kinds []string, component func(kind string) string) (out []string) {
		for _, kind := range kinds {
			lines := rules.Printed[component(kind)]
			if lb := set.LoadBalancer(kind); lines == nil && lb != nil { // it brings no kinds whose schema the rule could ask for
				lines = slices.Sorted(maps.Keys(lb.Releases))
			}
			out = append(out, strings.TrimSpace(kind+" "+strings.Join(lines, ", ")))
		}
		return out
	}
	itself := func(kind string) string { return kind }
	table.WriteString("| what | which |\n|---|---|\n")
	row("mesh", append(with(set.Meshes(), func(kind string) string { return set.Mesh(kind).Component }), "none"))
	row("load balancer", with(set.LoadBalancers(), itself))
	row("gateways that no mesh brings", with([]string{"envoy-gateway"}, itself))
	row("Kubernetes", []string{strings.Join(rules.Printed["kubernetes"], ", "), "by " + strings.Join(set.Distributions(), ", ")})
	row("Gateway API", []string{strings.Join(rules.Printed["gateway-api"], ", "), "its experimental channel: " + strings.Join(rules.Printed["gateway-api experimental"], ", ")})
	row("pod network", with(set.CNIs(), itself))
	row("operating system of machines", set.OSes())
	row("operating system of switches", set.Switches())
	goldenSection(t, "../README.md", "releases", table.String())
}

// TestLinks follows the links of the documents that people read here: each leads to a file.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)\)`)
	for _, doc := range []string{"../README.md", "../CHANGELOG.md", "../examples/README.md", "../schema/README.md", "../profiles/README.md", "verify/README.md", "verify/schemas/README.md"} {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", doc, m[1])
			}
		}
	}
}

// TestTestsTold finds each test file of this package in the list of the package comment, and nothing there that is gone.
func TestTestsTold(t *testing.T) {
	told := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^//\t(\S+_(?: \S+_)*)(?:  .*)?$`).FindAllStringSubmatch(read(t, "doc.go"), -1) {
		for _, prefix := range strings.Fields(m[1]) {
			told[prefix] = 0
		}
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		prefix, _, _ := strings.Cut(f, "_")
		if _, ok := told[prefix+"_"]; !ok {
			t.Errorf("doc.go does not say what %s is about", f)
		}
		told[prefix+"_"]++
	}
	for prefix, n := range told {
		if n == 0 {
			t.Errorf("doc.go tells of %s, and there is no such test", prefix)
		}
	}
}
