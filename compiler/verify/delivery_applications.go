package verify

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// applicationHealth is the key of argocd-cm by which Argo CD tells how an Application is; without it waves do not wait.
const applicationHealth = "resource.customizations.health.argoproj.io_Application"

// readApplications is the verifier of gitops/<site>/: objects of Argo CD or Flux, which the overlay does not take.
func readApplications(f *artifact.File, p *pass) {
	if strings.Split(f.Path(), "/")[1] != p.releases.Site {
		return
	}
	for _, n := range p.documents(f) {
		o := p.addObject(f, n, "applications")
		switch {
		case o == nil || p.readFlux(o):
		case o.is("argoproj.io", "Application"):
			p.delivery.applications = append(p.delivery.applications, o)
		case o.is("", "ConfigMap") && o.name == "argocd-cm":
			p.delivery.settings = o
		default:
			o.report(p, ruleDelivery, nil, "neither an Application, nor the settings of Argo CD, nor an object of Flux")
		}
	}
}

// deliveredBy is what one Application brings.
type deliveredBy struct {
	o      *object
	wave   int
	folder string // of the overlay
	chart  delivered
	place  int // of its step in the script; -1 when the script has none
}

// checkApplications holds Argo CD's Applications against the tree, and their waves against the order of the script.
func (p *pass) checkApplications(d *delivery) {
	if len(d.applications) == 0 {
		return
	}
	if d.settings == nil || str(d.settings.value, "data", applicationHealth) == "" {
		p.report(d.applications[0].file, 0, ruleDelivery, "no settings of Argo CD make the waves wait")
	}
	site := p.releases.Site
	apps := "gitops/" + site + "/applications"
	i := slices.IndexFunc(d.applications, func(o *object) bool { return path.Base(o.file.Path()) == "root.yaml" })
	if i < 0 {
		p.missing(ruleDelivery, "gitops/%s/root.yaml holds no Application", site)
		return
	}
	root := d.applications[i]
	prefix, ok := strings.CutSuffix(str(root.value, "spec", "source", "path"), apps)
	if !ok || prefix != "" && !strings.HasSuffix(prefix, "/") {
		root.report(p, ruleDelivery, fieldPath{"spec", "source", "path"}, "it does not end in %s", apps)
		return
	}
	repository, revision := str(root.value, "spec", "source", "repoURL"), str(root.value, "spec", "source", "targetRevision")
	var brought []deliveredBy
	var charts []delivered
	for _, o := range d.applications {
		p.checkPolicy(o)
		if o == root {
			continue
		}
		b := deliveredBy{o: o}
		b.wave, _ = strconv.Atoi(str(o.value, "metadata", "annotations", "argocd.argoproj.io/sync-wave"))
		sources := list(o.value, "spec", "sources")
		if s := get(o.value, "spec", "source"); s != nil {
			sources = append(sources, s)
		}
		for _, s := range sources {
			switch {
			case str(s, "chart") != "":
				b.chart = p.chartSource(o, s, sources, prefix)
				charts = append(charts, b.chart)
			case str(s, "repoURL") != repository || str(s, "targetRevision") != revision:
				if strings.HasPrefix(str(s, "path"), prefix) && prefix != "" || str(s, "ref") != "" {
					o.report(p, ruleDelivery, fieldPath{"spec"}, "it reads the tree from another place than the root Application")
				}
			case str(s, "path") != "":
				dir := strings.TrimPrefix(str(s, "path"), prefix)
				switch k := p.kustomizations[dir]; {
				case k == nil:
					o.report(p, ruleDelivery, fieldPath{"spec", "source", "path"}, "%q is no folder with a kustomization", dir)
				case strings.HasPrefix(dir, "charts/"):
					b.chart = p.renderedChart(o, k, dir)
					charts = append(charts, b.chart)
				default:
					b.folder = path.Base(dir)
				}
			}
		}
		brought = append(brought, b)
	}
	p.checkDelivered(d.applications[(i+1)%len(d.applications)].file, charts)
	p.checkWaves(d.script, brought)
}

// chartSource reads the source of a chart. Its values come from the tree, by the reference of another source.
func (p *pass) chartSource(o *object, s any, sources []any, prefix string) delivered {
	c := delivered{
		release: str(s, "helm", "releaseName"), namespace: str(o.value, "spec", "destination", "namespace"),
		chart: str(s, "chart"), version: str(s, "targetRevision"), repository: str(s, "repoURL"), line: lineOf(o.node, fieldPath{"spec"}),
	}
	want := "charts/" + p.releases.Site + "/" + c.release + "/values.yaml"
	if !slices.Equal(strs(s, "helm", "valueFiles"), []string{"$values/" + prefix + want}) || p.tree.Lookup(want) == nil {
		o.report(p, ruleDelivery, fieldPath{"spec", "sources"}, "its values are not $values/%s%s", prefix, want)
	}
	if !slices.ContainsFunc(sources, func(s any) bool { return str(s, "ref") == "values" }) {
		o.report(p, ruleDelivery, fieldPath{"spec", "sources"}, "no source is called values")
	}
	revision := str(p.valuesOf(c.release), "revision")
	for i, d := range list(o.value, "spec", "ignoreDifferences") {
		if name := str(d, "name"); c.chart == "istiod" && revision != "" && !strings.HasSuffix(name, "-"+revision) && !strings.Contains(name, "-"+revision+"-") {
			o.report(p, ruleDelivery, fieldPath{"spec", "ignoreDifferences"}.at(i), "%q is not of revision %s", name, revision)
		}
	}
	return c
}

func (p *pass) valuesOf(release string) map[string]any {
	if v := p.values[release]; v != nil {
		return v.value
	}
	return nil
}

// checkPolicy checks how an Application is synced: with server-side apply, and never so that a node or all of a namespace
// could go.
func (p *pass) checkPolicy(o *object) {
	at := fieldPath{"spec", "syncPolicy"}
	options := strs(o.value, "spec", "syncPolicy", "syncOptions")
	if !slices.Contains(options, "ServerSideApply=true") {
		o.report(p, ruleDelivery, at, "the schemas of the charts are too large for a client-side apply")
	}
	if has(o.value, "spec", "ignoreDifferences") && !slices.Contains(options, "RespectIgnoreDifferences=true") {
		o.report(p, ruleDelivery, at, "a sync would overwrite the differences that it ignores")
	}
	if len(list(o.value, "metadata", "finalizers")) > 0 {
		o.report(p, ruleDelivery, fieldPath{"metadata", "finalizers"}, "deleting the Application would delete what it has made")
	}
	folder := path.Base(str(o.value, "spec", "source", "path"))
	nodes := p.folderHas(folder, func(o *object) bool { return o.is("", "Node") })
	precious := nodes || p.folderHas(folder, func(o *object) bool { return o.is("", "Namespace") })
	if nodes && has(o.value, "spec", "syncPolicy", "automated") {
		o.report(p, ruleDelivery, at, "Argo CD would force the nodes' taints")
	}
	if precious && (get(o.value, "spec", "syncPolicy", "automated", "prune") == true || !slices.Contains(options, "Prune=false") || !slices.Contains(options, "Delete=false")) {
		o.report(p, ruleDelivery, at, "nodes and namespaces are never pruned")
	}
}

// placeOf returns the place of a folder or a release among the steps of the script, of neither that of others' CRDs.
func (p *pass) placeOf(s *script, folder, release string) int {
	switch {
	case release != "":
		return s.index("chart", release)
	case p.folderHas(folder, func(o *object) bool { return o.is("", "Node") }):
		return s.index("label_nodes", "")
	case folder != "":
		return s.index("apply", folder)
	}
	return s.index("kube", "")
}

// checkWaves: every folder has an Application, and the waves go up in the order of the script.
func (p *pass) checkWaves(s *script, brought []deliveredBy) {
	for i := range brought {
		brought[i].place = p.placeOf(s, brought[i].folder, brought[i].chart.release)
	}
	for _, a := range brought {
		for _, b := range brought {
			if a.place < b.place && a.wave > b.wave {
				b.o.report(p, ruleDelivery, fieldPath{"metadata", "annotations"}, "its wave %d is before %d of %s, which is installed before it", b.wave, a.wave, a.o.name)
				return
			}
			before := a.folder != "" && b.chart.release != "" || a.chart.release != "" && b.folder != ""
			if a.place < b.place && before && a.wave == b.wave {
				b.o.report(p, ruleDelivery, fieldPath{"metadata", "annotations"}, "it shares its wave with %s, which is installed before it", a.o.name)
			}
		}
	}
	for _, folder := range p.phaseFolders() {
		n := 0
		for _, b := range brought {
			if b.folder == folder {
				n++
			}
		}
		if n != 1 {
			p.missing(ruleDelivery, "%d Applications bring the folder %s", n, folder)
		}
	}
}
