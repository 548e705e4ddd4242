package verify

import (
	"maps"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleDelivery is the rule of what brings the tree into the cluster.
const ruleDelivery = "MG9701"

// delivery is what the files say that bring the tree into the cluster, each read by itself.
type delivery struct {
	helmfile     *helmfile
	script       *script
	applications []*object
	settings     *object // argocd-cm
	flux         flux
}

// A delivered chart is one release as a helmfile, a script or an Application has it.
type delivered struct {
	release, namespace, chart, version, repository string
	needs                                          []string // namespace/name of releases
	waits                                          bool     // until all of it is ready
	line                                           int
}

// checkDelivery holds helmfile, script and Applications against the tree and against each other.
func (p *pass) checkDelivery() {
	d := &p.delivery
	if d.helmfile == nil && d.script == nil && len(d.applications) == 0 {
		return // a tree that somebody else delivers
	}
	if d.helmfile == nil || d.script == nil {
		p.missing(ruleDelivery, "charts/%s holds one of helmfile.yaml and install.sh without the other", p.releases.Site)
		return
	}
	p.checkDelivered(d.helmfile.file, d.helmfile.charts)
	p.checkScript(d.script)
	p.checkApplications(d)
	p.checkFlux(d)
	p.checkChartPatches(d)
	for _, c := range d.script.charts() {
		for _, h := range d.helmfile.charts {
			if c.release == h.release && c.repository != h.repository {
				p.report(d.script.file, c.line, ruleDelivery, "release %s comes from %s, in the helmfile from %s", c.release, c.repository, h.repository)
			}
		}
	}
}

// checkDelivered holds a list of releases against those that the site declares: each once, as declared.
func (p *pass) checkDelivered(f *artifact.File, charts []delivered) {
	seen := map[string]bool{}
	for _, c := range charts {
		want, ok := p.releases.Charts[c.release]
		switch {
		case !ok:
			p.report(f, c.line, ruleDelivery, "release %q is not declared", c.release)
		case seen[c.release]:
			p.report(f, c.line, ruleDelivery, "release %s stands twice", c.release)
		case c.chart != want.Name || c.version != want.Version || c.namespace != want.Namespace:
			p.report(f, c.line, ruleDelivery, "release %s is chart %s %s in namespace %s, declared is %s %s in %s",
				c.release, c.chart, c.version, c.namespace, want.Name, want.Version, want.Namespace)
		}
		if v := p.values[c.release]; c.waits && want.Name == "cilium" && v != nil && str(v.value, "clustermesh", "apiserver", "service", "type") == "LoadBalancer" {
			p.report(f, c.line, ruleDelivery, "release %s is waited for, whose Service gets its address from a pool that comes behind it", c.release)
		}
		seen[c.release] = true
	}
	for _, name := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		if !seen[name] {
			p.report(f, 0, ruleDelivery, "release %s is not installed", name)
		}
	}
}

// phaseFolders are the folders of the overlay, in the order of their names.
func (p *pass) phaseFolders() []string {
	var out []string
	overlay := "kubernetes/overlays/" + p.releases.Site
	for _, dir := range slices.Sorted(maps.Keys(p.kustomizations)) {
		if path.Dir(dir) == overlay {
			out = append(out, path.Base(dir))
		}
	}
	return out
}

// folderHas reports whether an object of a folder of the overlay meets a condition.
func (p *pass) folderHas(folder string, is func(*object) bool) bool {
	dir := "kubernetes/overlays/" + p.releases.Site + "/" + folder
	return slices.ContainsFunc(p.objects, func(o *object) bool { return path.Dir(o.file.Path()) == dir && is(o) })
}

// needsChart returns the release without which the API server refuses an object: the one that brings its kind, or the
// webhook that every object of the group passes.
func (p *pass) needsChart(o *object) string {
	chart := ""
	switch {
	case o.group == "metallb.io":
		chart = "metallb"
	case o.group == openELBGroup:
		chart = "openelb"
	case o.group == ciliumGroup:
		chart = "cilium"
	case strings.HasSuffix(o.group, ".istio.io"):
		chart = "istiod"
	}
	for name, c := range p.releases.Charts {
		if chart != "" && c.Name == chart {
			return name
		}
	}
	return ""
}
