package compiler

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// A cluster is what the scripts of a site have brought, call by call: an object takes the place of an older one, and
// nothing is taken away that no call takes away.
type cluster struct {
	site    string
	objects map[string]applied
	charts  map[string]chartInstalled // by release
	patched map[string]string         // fields that steps have changed by hand: object → patch
}

type applied struct{ file, text string }

type chartInstalled struct {
	chart, version string
	values         map[string]any
	files          []string // of the values
	text           string   // of the values: as written, where it is one file
}

func newCluster(site string) *cluster {
	return &cluster{site: site, objects: map[string]applied{}, charts: map[string]chartInstalled{}, patched: map[string]string{}}
}

func (c *cluster) clone() *cluster {
	return &cluster{c.site, maps.Clone(c.objects), maps.Clone(c.charts), maps.Clone(c.patched)}
}

// take does what a call of kubectl or helm does, out of a tree. A call that it does not know is an error.
func (c *cluster) take(tree *artifact.Tree, call string) error {
	words := strings.Fields(call)
	program, args, options := words[0], []string{}, map[string][]string{}
	for i := 1; i < len(words); i++ {
		name, is := strings.CutPrefix(words[i], "--")
		switch {
		case words[i] == "--":
			i = len(words)
		case is && slices.Contains([]string{"server-side", "force-conflicts", "wait", "ignore-not-found", "skip-crds", "overwrite", "install", "brief", "proxy"}, name):
			options[name] = nil
		case is && strings.Contains(name, "="):
		case is:
			if i++; i == len(words) {
				return fmt.Errorf("option --%s without a value: %s", name, call)
			}
			options[name] = append(options[name], words[i])
		default:
			args = append(args, words[i])
		}
	}
	switch program + " " + args[0] {
	case "helm upgrade":
		return c.install(tree, args[1], args[2], options["version"][0], options["values"])
	case "helm uninstall":
		delete(c.charts, args[1])
		return nil
	case "helm version", "helm env", "linkerd check", "linkerd version", "linkerd multicluster":
		return nil
	case "kubectl apply":
		for _, file := range options["filename"] {
			if strings.HasPrefix(file, "kubernetes/") {
				return c.apply(tree, func(p string) bool { return p == file })
			}
		}
		for _, dir := range options["kustomize"] {
			return c.apply(tree, func(p string) bool { return path.Dir(p) == dir })
		}
		return nil // kinds of others, by address
	case "kubectl patch":
		c.patched[args[1]+"/"+args[2]] = strings.Join(options["patch"], " ")
		return nil
	case "kubectl config", "kubectl get", "kubectl wait", "kubectl rollout", "kubectl exec", "kubectl annotate", "kubectl scale", "kubectl label":
		return nil
	}
	return fmt.Errorf("nobody knows what becomes of %s", call)
}

func (c *cluster) install(tree *artifact.Tree, release, chart, version string, files []string) error {
	x := chartInstalled{chart: path.Base(chart), version: version, values: map[string]any{}, files: files}
	for _, name := range files {
		f := tree.Lookup(name)
		if f == nil {
			return fmt.Errorf("%s: no %s", release, name)
		}
		var v map[string]any
		if err := yaml.Unmarshal(f.Bytes(), &v); err != nil {
			return err
		}
		overlay(x.values, v)
		x.text = string(f.Bytes())
	}
	if len(files) > 1 {
		text, err := yaml.Marshal(x.values)
		if err != nil {
			return err
		}
		x.text = string(text)
	}
	c.charts[release] = x
	clear(c.patched) // the chart has the fields itself
	return nil
}

// overlay lays values over others as helm does: maps become one, all else is replaced.
func overlay(under, over map[string]any) {
	for k, v := range over {
		if m, ok := v.(map[string]any); ok {
			if old, ok := under[k].(map[string]any); ok {
				overlay(old, m)
				continue
			}
		}
		under[k] = v
	}
}

func (c *cluster) apply(tree *artifact.Tree, of func(file string) bool) error {
	found := false
	for _, f := range tree.Files() {
		if !of(f.Path()) || path.Base(f.Path()) == "kustomization.yaml" {
			continue
		}
		found = true
		for doc := range strings.SplitSeq(strings.TrimSuffix(string(f.Bytes()), "\n"), "\n---\n") {
			c.objects[objectKey(doc)] = applied{f.Path(), doc}
		}
	}
	if !found {
		return fmt.Errorf("an empty folder is applied")
	}
	return nil
}

// tree is the cluster as the oracle reads it.
func (c *cluster) tree() *artifact.Tree {
	docs := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := c.objects[key]
		docs[o.file] = append(docs[o.file], o.text)
	}
	out := artifact.NewTree()
	for _, file := range slices.Sorted(maps.Keys(docs)) {
		out.File(file).Line(strings.Join(docs[file], "\n---\n"))
	}
	for _, release := range slices.Sorted(maps.Keys(c.charts)) {
		if text := strings.TrimSuffix(c.charts[release].text, "\n"); text != "" {
			out.File("charts/" + c.site + "/" + release + "/values.yaml").Line(text)
		}
	}
	return out
}

// differs names what is not the same in two clusters. Of charts the values count, and not what is written beside them.
func (c *cluster) differs(d *cluster) (out []string) {
	for _, key := range union(c.objects, d.objects) {
		if c.objects[key].text != d.objects[key].text {
			out = append(out, key)
		}
	}
	for _, release := range union(c.charts, d.charts) {
		a, b := c.charts[release], d.charts[release]
		if a.chart != b.chart || a.version != b.version {
			out = append(out, fmt.Sprintf("chart %s %s, not %s", release, a.version, b.version))
		}
		if !reflect.DeepEqual(a.values, b.values) {
			out = append(out, "values of "+release)
		}
	}
	for _, object := range union(c.patched, d.patched) {
		if c.patched[object] != d.patched[object] {
			out = append(out, "fields of "+object)
		}
	}
	return out
}

func union[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// scriptCalls runs a script of a tree against a fake cluster in which all is well, and returns what it calls.
func scriptCalls(t *testing.T, p *ir.Plan, tree *artifact.Tree, script string, args ...string) []string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range tree.Files() {
		if strings.HasPrefix(f.Path(), "charts/") && path.Ext(f.Path()) == ".sh" {
			file := filepath.Join(dir, f.Path())
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, f.Bytes(), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	calls, said, err := install(t, fakePrograms(t, p), filepath.Join(dir, "charts", p.Name, script), "lab", args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", script, args, err, said)
	}
	return calls
}
