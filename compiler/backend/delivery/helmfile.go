package delivery

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const helmfileComment = `The charts alone, a label for each phase: what stands between two phases (namespaces, pools, objects of the mesh) is
applied with kubectl, as install.sh does. Phase by phase: helmfile --selector phase=mesh sync`

// waitSeconds is how long helm waits for the pods of a release, that of install.sh. A gateway waits for its address.
const waitSeconds = 600

// waitTime is the same for Flux.
var waitTime = fmt.Sprintf("%ds", waitSeconds)

func helmfile(p *ir.Plan, t *artifact.Tree) {
	f := t.File("charts/"+p.Name+"/helmfile.yaml", p.From...)
	f.Header("#", p.Name)
	y := f.YAML()
	y.Comment(helmfileComment)
	if patched(p) {
		y.From("", "patches")
		y.Comment(helmfilePatchesComment)
		y.Fixed()
	}
	var lists []string // with the pod network's chart, where there is no other, they become empty
	if !slices.ContainsFunc(p.Delivery.Phases, func(ph ir.DeliveryPhase) bool { return ph.Name != "network" && len(ph.Charts) > 0 }) {
		lists = []string{"components.cni.managed"}
	}
	y.From("", lists...)
	y.Seq("repositories", func() { repositories(p, y) })
	y.Fixed()
	y.Map("helmDefaults", func() {
		y.Comment("The phase 05-namespaces makes them, with the labels that Pod Security and the mesh go by.")
		y.KV("createNamespace", false)
		y.KV("wait", true)
		y.KV("timeout", waitSeconds)
		if slices.ContainsFunc(p.Releases, func(r ir.Release) bool { return r.SkipCRDs }) {
			y.Comment("The kinds of these charts come from charts of their own, as templates; helmfile knows the flag for all releases only.")
			y.KV("syncArgs", []string{"--skip-crds"})
		}
	})
	y.From("", lists...)
	y.Seq("releases", func() {
		for _, ph := range p.Delivery.Phases {
			for _, c := range ph.Charts {
				y.Begin(append(c.Release.From[:len(c.Release.From):len(c.Release.From)], p.From...)...)
				release(p, y, ph.Name, c)
			}
		}
	})
}

func release(p *ir.Plan, y *artifact.YAML, phase string, c ir.ChartStep) {
	r := c.Release
	y.Item(func() {
		y.KV("name", r.Name)
		y.KV("namespace", r.Namespace)
		y.KV("chart", repositoryName(p, r)+"/"+r.Chart)
		y.KV("version", r.Version)
		y.Map("labels", func() { y.KV("phase", phase) })
		y.KV("values", []string{r.Name + "/values.yaml"})
		helmfilePatches(y, r)
		if c.Later != nil {
			y.From("", c.Later...)
			y.Comment("A Service of it gets its address in a later phase.")
			y.KV("wait", false)
			y.Fixed()
		}
		if len(c.Needs) == 0 {
			return
		}
		y.From("", c.Needs[0].From...)
		y.Seq("needs", func() {
			for _, n := range c.Needs {
				y.From("", n.From...)
				y.Elem(n.Namespace + "/" + n.Name)
			}
			y.Fixed()
		})
	})
}

// repositories writes each repository once.
func repositories(p *ir.Plan, y *artifact.YAML) {
	seen := map[string]bool{}
	for _, ph := range p.Delivery.Phases {
		for _, c := range ph.Charts {
			r := c.Release
			if seen[r.Repository] {
				continue
			}
			seen[r.Repository] = true
			y.From("", r.From...)
			y.Item(func() {
				y.KV("name", repositoryName(p, r))
				url, isOCI := strings.CutPrefix(r.Repository, oci)
				y.KV("url", url)
				if isOCI {
					y.KV("oci", true)
				}
			})
			y.Fixed()
		}
	}
}

// repositoryName is the name by which this file alone knows a repository: that of the first component from there.
func repositoryName(p *ir.Plan, r ir.Release) string {
	for _, o := range p.Releases {
		if o.Repository == r.Repository {
			return o.Component
		}
	}
	return r.Component
}
