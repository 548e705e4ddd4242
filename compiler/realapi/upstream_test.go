//go:build linux

package realapi

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

// module is what is taken from one Go module.
type module struct {
	component, path, version string
	args                     []string // packages, or globs of files
}

// sources is testdata/upstream.txt.
type sources struct {
	build  module
	crds   []module
	absent map[string]string // API group → why its kinds cannot be had
	held   map[string]string // site and component → the release that its tree is not held to
}

func upstream(t *testing.T) sources {
	t.Helper()
	text, err := os.ReadFile("testdata/upstream.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := sources{absent: map[string]string{}, held: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case f[0] == "build" && len(f) > 3:
			s.build = module{path: f[1], version: f[2], args: f[3:]}
		case f[0] == "crds" && len(f) > 4:
			s.crds = append(s.crds, module{f[1], f[2], f[3], f[4:]})
		case f[0] == "absent" && len(f) > 2:
			s.absent[f[1]] = strings.Join(f[2:], " ")
		case f[0] == "held" && len(f) > 4:
			s.held[f[1]+" "+f[2]] = f[3]
		default:
			t.Fatalf("upstream.txt: %q", line)
		}
	}
	return s
}

// files returns what the module's globs match, downloading the module where it is not yet there.
func (m module) files(t *testing.T) []string {
	t.Helper()
	if m.path == "." {
		return m.args
	}
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", m.path+"@"+m.version)
	// Outside of this module: its requirements do not concern what is only read.
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if json.Unmarshal(out, &got) != nil || got.Dir == "" {
		t.Fatalf("%s@%s: %v %s", m.path, m.version, err, got.Error)
	}
	var files []string
	for _, glob := range m.args {
		found, err := filepath.Glob(filepath.Join(got.Dir, glob))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s@%s has no %s", m.path, m.version, glob)
		}
		files = append(files, found...)
	}
	return files
}

// definitions returns the CustomResourceDefinitions of some components, or of all where none is named, and what is
// published beside them.
func (s sources) definitions(t *testing.T, components ...string) []object {
	t.Helper()
	var out []object
	for _, m := range s.crds {
		if len(components) == 0 || slices.Contains(components, m.component) {
			out = append(out, m.objects(t)...)
		}
	}
	return out
}

// published keeps the objects of modules, which many tests read.
var published struct {
	sync.Mutex
	objects map[string][]object // by component and release
}

// objects are those of the module's files.
func (m module) objects(t *testing.T) []object {
	t.Helper()
	published.Lock()
	defer published.Unlock()
	key := m.component + " " + m.version
	if have, ok := published.objects[key]; ok {
		return have
	}
	var out []object
	for _, file := range m.files(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range documents(t, text, m.component) {
			if strings.HasPrefix(o.APIVersion, "kustomize.config.k8s.io/") {
				continue
			}
			if o.Kind == "CustomResourceDefinition" {
				o.defines = defined(t, o)
			}
			out = append(out, o)
		}
	}
	if published.objects == nil {
		published.objects = map[string][]object{}
	}
	published.objects[key] = out
	return out
}

// defined is the group and the kind of a CustomResourceDefinition.
func defined(t *testing.T, o object) string {
	t.Helper()
	var d struct {
		Spec struct {
			Group string
			Names struct{ Kind string }
		}
	}
	if err := yaml.Unmarshal(o.text, &d); err != nil {
		t.Fatal(err)
	}
	return d.Spec.Group + " " + d.Spec.Names.Kind
}

// used are the definitions of the kinds that some objects have, and what is published beside definitions: a server takes
// seconds for the kinds of all components.
func used(definitions, objects []object) []object {
	kinds := map[string]bool{}
	for _, o := range objects {
		kinds[o.group()+" "+o.Kind] = true
	}
	return slices.DeleteFunc(slices.Clone(definitions), func(o object) bool { return o.defines != "" && !kinds[o.defines] })
}

// install loads CustomResourceDefinitions and waits until the server answers for each of their kinds. Warnings about
// them are their projects' matter, and only counted.
func (c *client) install(definitions []object) {
	c.t.Helper()
	warnings := 0
	for _, o := range definitions {
		a := c.apply(o, options{manager: "helm"})
		if !a.ok() {
			c.t.Fatalf("%s: %s: %s", o.from, o, a.complaint())
		}
		warnings += len(a.warnings)
	}
	for _, o := range definitions {
		if o.Kind == "CustomResourceDefinition" {
			c.await(o.Metadata.Name, func() bool { return c.serves(o.Metadata.Name) })
		}
	}
	c.t.Logf("upstream: %s; %d warnings about them", count(definitions), warnings)
}

// serves reports whether the server lists the objects of every served version of a CustomResourceDefinition.
func (c *client) serves(crd string) bool {
	c.t.Helper()
	var d struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Served bool
			}
		}
	}
	a := c.call(http.MethodGet, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+crd, "", nil)
	if !a.ok() {
		return false
	}
	if err := json.Unmarshal(a.body, &d); err != nil {
		c.t.Fatal(err)
	}
	for _, v := range d.Spec.Versions {
		if !v.Served {
			continue
		}
		gv := d.Spec.Group + "/" + v.Name
		k, ok := c.kind(gv, d.Spec.Names.Kind)
		if !ok || !c.call(http.MethodGet, "/apis/"+gv+"/"+k.Name+"?limit=1", "", nil).ok() {
			return false
		}
	}
	return true
}
