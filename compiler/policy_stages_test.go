package compiler

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
)

var objectName = regexp.MustCompile(`(?m)\A(?:#.*\n)*apiVersion: ([^/\n]+).*\nkind: (.+)\nmetadata:\n  name: (.+)\n(?:  namespace: (.+)\n)?`)

// stagesOf are the folders below a tree's phases, which people apply.
func stagesOf(t *artifact.Tree) []string {
	dirs := map[string]bool{}
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), "kubernetes/overlays/") && strings.Count(f.Path(), "/") > 4 {
			dirs[path.Dir(f.Path())] = true
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}

// staged is the tree as the cluster has it after some stages were applied: an object of theirs takes the place of the
// site's own.
func staged(t *artifact.Tree, dirs ...string) *artifact.Tree {
	over := map[string]string{} // object → its text
	for _, dir := range dirs {
		for _, f := range t.Files() {
			if path.Dir(f.Path()) != dir || path.Base(f.Path()) == "kustomization.yaml" {
				continue
			}
			for doc := range strings.SplitSeq(string(f.Bytes()), "\n---\n") {
				over[objectKey(doc)] = strings.TrimSuffix(doc, "\n")
			}
		}
	}
	out := artifact.NewTree()
	for _, f := range t.Files() {
		data := strings.TrimSuffix(string(f.Bytes()), "\n")
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") || strings.Count(f.Path(), "/") > 4 && strings.HasPrefix(f.Path(), "kubernetes/") {
			continue
		}
		if strings.HasPrefix(f.Path(), "kubernetes/") && path.Base(f.Path()) != "kustomization.yaml" {
			docs := strings.Split(data, "\n---\n")
			for i, doc := range docs {
				if with, ok := over[objectKey(doc)]; ok {
					docs[i] = with
					delete(over, objectKey(doc))
				}
			}
			data = strings.Join(docs, "\n---\n")
		}
		if g := out.File(f.Path()); data != "" {
			g.Line(data)
		}
	}
	if len(over) > 0 {
		g := out.File("kubernetes/overlays/staged/40-policy/more.yaml")
		g.Line(strings.Join(slices.Sorted(maps.Values(over)), "\n---\n"))
	}
	return out
}

func objectKey(doc string) string {
	if m := objectName.FindStringSubmatch(doc); m != nil {
		return strings.Join(m[1:], " ")
	}
	return doc
}

// TestPolicyStages: no call that the site declares is refused in any stage, for an incident or of a migration, and
// none while the namespaces leave the mesh one after the other.
func TestPolicyStages(t *testing.T) {
	seen := map[string]int{}
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if q.consul() { // its proxies know no pod without one
			q.world.Consul = "charts/" + name + "/consul/values.yaml"
		}
		stages := stagesOf(q.tree)
		ask := func(what string, tree *artifact.Tree) {
			if err := q.read(tree); err != nil {
				t.Fatalf("%s: %s: %v", name, what, err)
			}
			asked, refused := q.declaredCalls()
			if strings.HasPrefix(what, "migration/") && strings.HasSuffix(what, "/strict") {
				refused = slices.DeleteFunc(refused, func(call string) bool { // of rule migration-leaves-behind
					namespace, _, _ := strings.Cut(call, "/")
					n := q.s.Namespaces[namespace]
					return n != nil && !n.Mesh
				})
			}
			if len(refused) > 0 {
				t.Errorf("%s: %s: %d of %d declared calls are refused, as %s", name, what, len(refused), asked, refused[0])
			}
			seen[strings.Split(what, "/")[0]] += asked
		}
		for _, dir := range stages {
			rest := strings.TrimPrefix(dir, "kubernetes/overlays/"+name+"/")
			if rest != "break-glass/proxyless" {
				ask(rest, staged(q.tree, dir))
				continue
			}
			open := path.Join(path.Dir(dir), "open")
			f := q.tree.Lookup(dir + "/namespace.yaml")
			docs := bytes.Split(f.Bytes(), []byte("\n---\n"))
			for i := range docs { // the first of them, then one more each time
				tree := staged(q.tree, open, dir)
				ask("break-glass/proxyless, by "+string(rune('1'+i)), back(q.tree, tree, docs[i+1:]))
			}
		}
	}
	for _, kind := range []string{"break-glass", "migration"} {
		if seen[kind] == 0 {
			t.Errorf("nothing asked of %s", kind)
		}
	}
}

// back is a tree in which some Namespaces are as they were.
func back(was, now *artifact.Tree, docs [][]byte) *artifact.Tree {
	of := func(f *artifact.File) []string {
		return strings.Split(strings.TrimSuffix(string(f.Bytes()), "\n"), "\n---\n")
	}
	keep := map[string]bool{}
	for _, d := range docs {
		keep[objectKey(string(d))] = true
	}
	out := artifact.NewTree()
	for _, f := range now.Files() {
		data := strings.TrimSuffix(string(f.Bytes()), "\n")
		if path.Base(f.Path()) == "namespace.yaml" {
			olds, news := of(was.Lookup(f.Path())), of(f)
			for i := range news {
				if keep[objectKey(news[i])] {
					news[i] = olds[i]
				}
			}
			data = strings.Join(news, "\n---\n")
		}
		if g := out.File(f.Path()); data != "" {
			g.Line(data)
		}
	}
	return out
}
