package verify

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"a/*.conf", "a/b.conf", true},
		{"a/*.conf", "a/b/c.conf", false},
		{"a/*.conf", "a/.conf", true},
		{"a/*b*.conf", "a/xbyb.conf", true},
		{"a/*b*.conf", "a/xcy.conf", false},
		{"a/**/k.yaml", "a/k.yaml", true},
		{"a/**/k.yaml", "a/b/c/k.yaml", true},
		{"a/**/k.yaml", "a/b/ck.yaml", false},
		{"a/**", "a/b/c", true},
		{"a/**", "a", true},
		{"a/**", "b", false},
		{"**/x", "x", true},
		{"a/*", "a", false},
		{"a", "a/b", false},
		{"a/**/b/*", "a/b/b/b", true},
	} {
		if got := match(c.glob, c.path); got != c.want {
			t.Errorf("%s on %s: got %v", c.glob, c.path, got)
		}
	}
}

// TestUnclaimed adds files of paths that nobody reads.
func TestUnclaimed(t *testing.T) {
	for _, path := range []string{"extra.txt", "kubernetes/overlays/lab-1/notes.txt", "charts/lab-1/public/extra.yaml", "hosts/lab-1/r1-edge/etc/hosts"} {
		files := labFiles(t)
		files[path] = "x\n"
		_, found := Tree(treeOf(t, files), labReleases())
		if !slices.ContainsFunc(found, func(f diag.Finding) bool { return f.Rule == ruleUnclaimed && strings.Contains(f.Message, path) }) {
			t.Errorf("%s is claimed: %v", path, found)
		}
	}
}

// TestReleases declares releases for which there is no schema.
func TestReleases(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Releases)
		want   string
	}{
		{"old Istio", func(r *Releases) { r.Components["istio"] = "1.20.0" }, "there is no schema for istio 1.20.0; known: 1.30.3, 1.31.1"},
		{"old Kubernetes", func(r *Releases) { r.Kubernetes = "1.30.1" }, "there is no schema for kubernetes 1.30.1"},
		{"no Gateway API", func(r *Releases) { r.GatewayAPI = "" }, "the kind is of gateway-api, which the site does not declare"},
		{"chart of nobody", func(r *Releases) { r.Charts["public"] = Chart{Name: "public", Version: "1", Namespace: "edge"} }, "there are no known keys for chart public 1"},
		{"release without values", func(r *Releases) { r.Charts["cni"] = Chart{Name: "cni", Version: "1.31.1", Namespace: "istio-system"} }, "charts/lab-1/cni/values.yaml does not exist"},
		{"values without release", func(r *Releases) { delete(r.Charts, "public") }, "no chart release of that name is declared"},
		{"namespace of a chart", func(r *Releases) { r.Charts["public"] = Chart{Name: "gateway", Version: "1.31.1", Namespace: "egde"} }, `namespace "egde" of chart release public`},
		{"other node ports", func(r *Releases) { r.NodePorts = "31000-31999" }, "30080 is outside of the cluster's node ports, 31000 to 31999"},
		{"other site", func(r *Releases) { r.Site = "lab-2" }, "kubernetes/overlays/lab-2/kustomization.yaml does not exist"},
	} {
		rel := labReleases()
		c.change(&rel)
		_, found := Tree(treeOf(t, labFiles(t)), rel)
		if !slices.ContainsFunc(found, func(f diag.Finding) bool { return strings.Contains(f.Message, c.want) }) {
			t.Errorf("%s: no finding says %q: %v", c.name, c.want, found)
		}
	}
}

// TestManifest changes a file after the manifest was made, and leaves one out of it.
func TestManifest(t *testing.T) {
	files := labFiles(t)
	sealed := string(treeOf(t, files).Lookup("meshgen/lab-1.json").Bytes())
	for _, c := range []struct{ old, new, want string }{
		{`"sha256": "`, `"sha256": "0`, "is not that of its content"},
		{paFile, paFile + "x", "which is not in the tree"},
		{paFile, authzFile, "it does not list"},
		{`"lab-1"`, `"lab-2"`, "names site"},
		{`"outputVersion": 1`, `"outputVersion": 0`, "outputVersion 0"},
		{`{`, `[`, "not JSON"},
	} {
		tree := unsealed(t, files)
		f := tree.File("meshgen/lab-1.json", "name")
		f.Line(strings.Replace(sealed, c.old, c.new, 1))
		_, found := Tree(tree, labReleases())
		if !slices.ContainsFunc(found, func(f diag.Finding) bool { return f.Rule == ruleManifest && strings.Contains(f.Message, c.want) }) {
			t.Errorf("%q to %q: no finding says %q: %v", c.old, c.new, c.want, found)
		}
	}
}

func TestSecrets(t *testing.T) {
	report, _ := Tree(treeOf(t, labFiles(t)), labReleases())
	var got []string
	for _, s := range report.Secrets {
		got = append(got, s.Namespace+"/"+s.Name+" "+strings.Join(s.Keys, ",")+" "+s.By+" "+s.MadeBy)
	}
	want := []string{
		"edge/east-tls tls.crt,tls.key Gateway edge/east ",
		"edge/edge-tls tls.crt,tls.key Gateway edge/public Certificate edge/edge",
		"metallb-system/bgp-session password BGPPeer metallb-system/r1-a ExternalSecret metallb-system/bgp-session",
		"metallb-system/bgp-session password BGPPeer metallb-system/r1-b ExternalSecret metallb-system/bgp-session",
		"metallb-system/bgp-session password BGPPeer metallb-system/r2-c ExternalSecret metallb-system/bgp-session",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestRulesAreRegistered holds the table of rules to what a catalogue needs.
func TestRulesAreRegistered(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	last := ""
	for _, r := range Rules() {
		if r.ID <= last || ids[r.ID] || names[r.Name] || r.Doc == "" || !strings.HasPrefix(r.ID, "MG9") {
			t.Errorf("%+v is out of order, stands twice or lacks a part", r)
		}
		ids[r.ID], names[r.Name], last = true, true, r.ID
	}
}

// TestSkipBuild breaks what only kustomize sees.
func TestSkipBuild(t *testing.T) {
	files := labFiles(t)
	files[topFile] += "patches:\n  - target:\n      kind: Node\n    patch: |\n      - op: remove\n        path: /spec/none\n"
	for _, skip := range []bool{false, true} {
		rel := labReleases()
		rel.SkipBuild = skip
		if _, found := Tree(treeOf(t, files), rel); found.HasErrors() == skip {
			t.Errorf("SkipBuild %v: %v", skip, found)
		}
	}
}

// FuzzTree: no text may make a verifier panic.
func FuzzTree(f *testing.F) {
	files := labFiles(f)
	for _, name := range []string{paFile, vsFile, istiodFile, topFile, paramsFile, netpolFile, dropInFile} {
		f.Add(name, files[name])
	}
	f.Add(paFile, "a: &a [*a]\n")
	f.Add(vsFile, "- 1\n--- \n...\n---\n")
	f.Add(topFile, "resources: [., .., ../lab-1, 00-nodes/.]\nkind: Kustomization\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if _, ok := files[name]; !ok {
			return
		}
		p := newPass(unsealed(t, map[string]string{name: text}), labReleases())
		p.read()
		p.wholeTree()
		p.summary()
	})
}
