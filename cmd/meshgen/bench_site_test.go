package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// size is how large a generated site is.
type size struct{ racks, nodesPerRack, services int }

// generatedSite is the main example with as many racks, nodes and further services, written out one by one as an
// inventory would give them. The first three racks have a control-plane node, each rack has an edge node.
func generatedSite(t testing.TB, example string, s size) string {
	t.Helper()
	text := cut(t, example, "\nracks: {", "\n}\n", racks(s))
	text = cut(t, text, "\nwaivers: [", "\n}]\n", "\n")
	text = strings.Replace(text, `podCIDRs: ["10.112.0.0/14"]`, `podCIDRs: ["10.128.0.0/11"]`, 1)
	text = strings.Replace(text, "import \"list\"\n", "", 1)
	return text + moreServices(s.services)
}

// cut replaces what begins and ends so.
func cut(t testing.TB, text, from, to, by string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("the example has no block from %q to %q", from, to)
	}
	return before + by + after
}

func racks(s size) string {
	var b strings.Builder
	b.WriteString("\nracks: {\n")
	for r := 1; r <= s.racks; r++ {
		fmt.Fprintf(&b, "\tr%d: {\n\t\tfailureDomain: \"feed-%d\"\n\t\tsubnets: [\"10.20.%d.0/24\"]\n\t\tdefaultGateway: [\"10.20.%d.1\"]\n\t\thoming: \"mlag\"\n", r, r%3, r, r)
		b.WriteString("\t\ttors: {\n")
		for i, x := range []string{"a", "b"} {
			fmt.Fprintf(&b, "\t\t\t%s: {hostname: \"fra1-r%d-tor-%s\", asn: %d, address: \"10.20.%d.%d\", routerID: \"10.10.%d.%d\", os: \"frr\", vlan: 10, uplinks: [{spine: \"s1\", interface: \"swp49\"}, {spine: \"s2\", interface: \"swp50\"}]}\n",
				x, r, x, 4200000010+r, r, 2+i, 250+i, r)
		}
		b.WriteString("\t\t}\n\t\tnodes: {\n")
		for n := range s.nodesPerRack {
			name, class := fmt.Sprintf("w%d", n), "worker"
			switch {
			case n == 0:
				name, class = "edge", "edge"
			case n == 1 && r <= 3:
				name, class = "cp", "control-plane"
			}
			fmt.Fprintf(&b, "\t\t\t\"fra1-r%d-%s\": {class: %q, address: \"10.20.%d.%d\"}\n", r, name, class, r, 10+n)
		}
		b.WriteString("\t\t}\n\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// moreServices is a namespace for every twenty services, each of which calls the three before it; clients call the last.
func moreServices(n int) string {
	var b strings.Builder
	name := func(i int) string { return fmt.Sprintf("team%d/s%d", i/20, i) }
	for i := range n {
		if i%20 == 0 {
			fmt.Fprintf(&b, "namespaces: team%d: owner: \"team-%d\"\n", i/20, i/20)
		}
		var calls []string
		for k := max(0, i-3); k < i; k++ {
			calls = append(calls, fmt.Sprintf("%q", name(k)))
		}
		expose := ""
		if i == n-1 {
			expose = `, expose: [{gateway: "public", host: "last.example.com"}]`
		}
		fmt.Fprintf(&b, "namespaces: team%d: services: s%d: {ports: http: {port: 8080, protocol: \"http\"}, calls: [%s]%s}\n", i/20, i, strings.Join(calls, ", "), expose)
	}
	return b.String()
}

// TestGeneratedSite holds the site that the benchmark times to what it is meant to be: clean.
func TestGeneratedSite(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/site.cue", generatedSite(t, example(t), size{5, 4, 40}))
	code, said := process(t, dir, "build", "--fail-on=warning")
	if code != exitClean || !strings.Contains(said, "fra1: 20 nodes ") || !strings.Contains(said, " 48 services") {
		t.Errorf("exit %d\n%.2000s", code, said)
	}
}

// generatedFleet writes n small sites with addresses and names of their own, ten folders of them. Each is an example of one
// rack.
func generatedFleet(t testing.TB, dir string, n int) {
	t.Helper()
	text, err := os.ReadFile("../../examples/kie1/site.cue")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("cell%d", i)
		pool, vip := fmt.Sprintf("198.18.%d.%d", i/16, i%16*16), fmt.Sprintf("198.18.%d.%d", i/16, i%16*16+1)
		own := strings.NewReplacer("kie1", name, "192.0.2.80/", pool+"/", "192.0.2.81", vip,
			"10.80.1.", fmt.Sprintf("10.%d.%d.", 100+i/250, i%250)).Replace(string(text))
		file := filepath.Join(dir, fmt.Sprint(i*10/n), name+".cue")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGeneratedFleet holds the sites that the benchmark times to what they are meant to be: clean, alone and together.
func TestGeneratedFleet(t *testing.T) {
	dir := t.TempDir()
	generatedFleet(t, dir, 20)
	code, said := process(t, dir, "build", "--fail-on=warning", "./...")
	if code != exitClean || !strings.Contains(said, "20 sites: 120 nodes ") {
		t.Errorf("exit %d\n%.2000s", code, said)
	}
}
