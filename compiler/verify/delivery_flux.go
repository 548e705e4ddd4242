package verify

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Groups of Flux's kinds.
const (
	fluxSources   = "source.toolkit.fluxcd.io"
	fluxKustomize = "kustomize.toolkit.fluxcd.io"
	fluxHelm      = "helm.toolkit.fluxcd.io"
)

// flux is what Flux reads of the tree.
type flux struct {
	root     *object   // Kustomization of the steps
	steps    []*object // Kustomizations, one a step
	sources  []*object // repositories
	releases []*object
}

// readFlux takes an object of Flux. It reports whether it is one.
func (p *pass) readFlux(o *object) bool {
	fl := &p.delivery.flux
	switch {
	case o.is(fluxKustomize, "Kustomization") && path.Base(o.file.Path()) == "root.yaml":
		fl.root = o
	case o.is(fluxKustomize, "Kustomization"):
		fl.steps = append(fl.steps, o)
	case o.is(fluxHelm, "HelmRelease"):
		fl.releases = append(fl.releases, o)
	case o.group == fluxSources:
		fl.sources = append(fl.sources, o)
	default:
		return false
	}
	return true
}

// readChartRelease is the verifier of charts/<site>/<release>/release.yaml.
func readChartRelease(f *artifact.File, p *pass) {
	if strings.Split(f.Path(), "/")[1] != p.releases.Site {
		return
	}
	for _, n := range p.documents(f) {
		if o := p.addObject(f, n, "applications"); o != nil && !p.readFlux(o) {
			o.report(p, ruleDelivery, nil, "not an object of Flux")
		}
	}
}

// fluxStep is one Kustomization as it was read.
type fluxStep struct {
	o       *object
	folder  string // of the overlay
	release string
	place   int // of its step in the script; -1 when the script has none
}

// checkFlux holds the objects of Flux against the tree, and what depends on what against the order of the script.
func (p *pass) checkFlux(d *delivery) {
	fl := &d.flux
	if fl.root == nil {
		if len(fl.steps)+len(fl.releases) > 0 {
			p.missing(ruleDelivery, "gitops/%s/root.yaml holds no Kustomization", p.releases.Site)
		}
		return
	}
	dir := "gitops/" + p.releases.Site + "/steps"
	prefix, ok := strings.CutSuffix(fluxPath(fl.root), dir)
	if !ok || prefix != "" && !strings.HasSuffix(prefix, "/") {
		fl.root.report(p, ruleDelivery, fieldPath{"spec", "path"}, "it does not end in %s", dir)
		return
	}
	for _, o := range append(slices.Clone(fl.steps), fl.root) {
		p.checkFluxKustomization(o)
	}
	p.checkFluxReleases(d)
	var steps []fluxStep
	for _, o := range fl.steps {
		s := fluxStep{o: o}
		if source := str(o.value, "spec", "sourceRef", "name"); source == str(fl.root.value, "spec", "sourceRef", "name") {
			at, ok := strings.CutPrefix(fluxPath(o), prefix)
			switch {
			case !ok || p.kustomizations[at] == nil:
				o.report(p, ruleDelivery, fieldPath{"spec", "path"}, "%q is no folder of the tree with a kustomization", at)
			case strings.HasPrefix(at, "charts/"):
				s.release = path.Base(at)
			default:
				s.folder = path.Base(at)
			}
		}
		s.place = p.placeOf(d.script, s.folder, s.release)
		steps = append(steps, s)
	}
	p.checkFluxOrder(steps)
}

// fluxPath is the path of a Kustomization in its repository.
func fluxPath(o *object) string { return strings.TrimPrefix(str(o.value, "spec", "path"), "./") }

// checkFluxKustomization: what it reads from is there, and it never deletes more than a folder's own objects.
func (p *pass) checkFluxKustomization(o *object) {
	spec := get(o.value, "spec")
	p.refer(o, fieldPath{"spec", "sourceRef"}, fluxSources, str(spec, "sourceRef", "kind"), o.namespace, str(spec, "sourceRef", "name"))
	if str(spec, "deletionPolicy") != "Orphan" {
		o.report(p, ruleDelivery, fieldPath{"spec", "deletionPolicy"}, "deleting the Kustomization would delete what it has made")
	}
	if has(spec, "force") {
		o.report(p, ruleDelivery, fieldPath{"spec", "force"}, "what cannot be changed would be deleted and made anew")
	}
	folder := path.Base(fluxPath(o))
	if p.folderHas(folder, func(x *object) bool { return x.is("", "Node") }) {
		o.report(p, ruleDelivery, fieldPath{"spec", "path"}, "Flux would force the nodes' taints")
	}
	inOverlay := slices.Contains(p.phaseFolders(), folder)
	if get(spec, "prune") == true && (!inOverlay || p.folderHas(folder, func(x *object) bool { return x.is("", "Namespace") })) {
		o.report(p, ruleDelivery, fieldPath{"spec", "prune"}, "namespaces, releases and kinds are never pruned")
	}
	later := p.folderHas(folder, func(x *object) bool { return waitedKinds[x.kind+"."+x.group] })
	if (later || !inOverlay && o != p.delivery.flux.root) && get(spec, "wait") != true {
		o.report(p, ruleDelivery, fieldPath{"spec"}, "what depends on it does not wait until its objects are ready")
	}
	if p.folderHas(folder, func(x *object) bool { return x.is("gateway.networking.k8s.io", "Gateway") }) &&
		!slices.ContainsFunc(list(spec, "healthCheckExprs"), func(e any) bool { return str(e, "kind") == "Gateway" }) {
		o.report(p, ruleDelivery, fieldPath{"spec"}, "a Gateway has no condition Ready, and nothing says when it is")
	}
}

// checkFluxReleases holds each HelmRelease against the declared charts and the values beside it.
func (p *pass) checkFluxReleases(d *delivery) {
	var charts []delivered
	var file *artifact.File
	for _, o := range d.flux.releases {
		spec := get(o.value, "spec")
		c := delivered{release: str(spec, "releaseName"), namespace: str(spec, "targetNamespace"), line: lineOf(o.node, fieldPath{"spec"}),
			waits: get(spec, "install", "disableWait") != true || get(spec, "upgrade", "disableWait") != true}
		c.chart, c.version, c.repository = p.fluxChart(o)
		charts, file = append(charts, c), o.file
		dir := "charts/" + p.releases.Site + "/" + c.release
		if path.Dir(o.file.Path()) != dir {
			o.report(p, ruleDelivery, fieldPath{"spec", "releaseName"}, "it stands in %s", path.Dir(o.file.Path()))
		}
		if str(spec, "storageNamespace") != c.namespace {
			o.report(p, ruleDelivery, fieldPath{"spec", "storageNamespace"}, "helm looks for the release in %s", c.namespace)
		}
		for _, action := range []string{"install", "upgrade"} {
			if str(spec, action, "strategy", "name") != "RetryOnFailure" || has(spec, action, "remediation") {
				o.report(p, ruleDelivery, fieldPath{"spec", action}, "a failure would be answered with more than another attempt")
			}
		}
		p.checkFluxValues(o, dir)
		for _, h := range d.helmfile.charts {
			if h.release == c.release && h.repository != c.repository {
				o.report(p, ruleDelivery, fieldPath{"spec"}, "it comes from %s, in the helmfile from %s", c.repository, h.repository)
			}
		}
	}
	p.checkDelivered(cmp.Or(file, d.flux.root.file), charts)
}

// fluxChart returns the chart of a HelmRelease, by its template or by the artifact that it refers to.
func (p *pass) fluxChart(o *object) (chart, version, repository string) {
	spec := get(o.value, "spec")
	ref, kind := get(spec, "chart", "spec", "sourceRef"), "HelmRepository"
	if has(spec, "chartRef") {
		ref, kind = get(spec, "chartRef"), "OCIRepository"
	}
	source := p.find(fluxSources, kind, o.namespace, str(ref, "name"))
	if source == nil || str(ref, "kind") != kind {
		o.report(p, ruleDelivery, fieldPath{"spec"}, "there is no %s %s of its chart", kind, str(ref, "name"))
		return "", "", ""
	}
	url := str(source.value, "spec", "url")
	if kind == "HelmRepository" {
		return str(spec, "chart", "spec", "chart"), str(spec, "chart", "spec", "version"), url
	}
	i := strings.LastIndexByte(url, '/')
	return url[i+1:], strings.ReplaceAll(str(source.value, "spec", "ref", "tag"), "_", "+"), url[:max(i, 0)]
}

// checkFluxValues: the values are those of the file beside it, by way of a ConfigMap that kustomize makes.
func (p *pass) checkFluxValues(o *object, dir string) {
	k := p.kustomizations[dir]
	if k == nil {
		o.report(p, ruleDelivery, nil, "its folder has no kustomization.yaml: nothing applies it")
		return
	}
	if !slices.Equal(strs(k.value, "resources"), []string{path.Base(o.file.Path())}) {
		k.report(p, fieldPath{"resources"}, "they are not %s alone", path.Base(o.file.Path()))
	}
	for key := range k.value {
		if !slices.Contains([]string{"apiVersion", "kind", "resources", "configMapGenerator"}, key) {
			k.report(p, fieldPath{key}, "none that meshgen writes for a chart")
		}
	}
	from, made := list(o.value, "spec", "valuesFrom"), list(k.value, "configMapGenerator")
	if len(from) != 1 || len(made) != 1 || has(o.value, "spec", "values") {
		o.report(p, ruleDelivery, fieldPath{"spec"}, "its values come from more, or less, than one ConfigMap")
		return
	}
	files := strs(made[0], "files")
	if str(from[0], "kind") != "ConfigMap" || str(from[0], "name") != str(made[0], "name") || str(made[0], "namespace") != o.namespace ||
		!slices.Equal(files, []string{str(from[0], "valuesKey")}) || p.tree.Lookup(dir+"/"+files[0]) == nil {
		o.report(p, ruleDelivery, fieldPath{"spec", "valuesFrom"}, "the ConfigMap is not made from the values of the release")
	}
	// A name with a hash of the content would have to be written into the HelmRelease, of which kustomize knows nothing.
	if get(made[0], "options", "disableNameSuffixHash") != true || str(made[0], "options", "labels", "reconcile.fluxcd.io/watch") != "Enabled" {
		k.report(p, fieldPath{"configMapGenerator"}, "nobody would notice that the values have changed")
	}
}

// checkFluxOrder: each folder and chart has one step, and what the script does first, others depend on.
func (p *pass) checkFluxOrder(steps []fluxStep) {
	byName := map[string]*fluxStep{}
	for i := range steps {
		byName[steps[i].o.name] = &steps[i]
	}
	behind := map[string]map[string]bool{} // all that a step depends on, directly or not
	var walk func(name string, seen map[string]bool)
	walk = func(name string, seen map[string]bool) {
		s := byName[name]
		for i, n := range list(s.o.value, "spec", "dependsOn") {
			on := str(n, "name")
			if byName[on] == nil {
				s.o.report(p, ruleDelivery, fieldPath{"spec", "dependsOn"}.at(i), "there is no step %q", on)
			} else if !seen[on] {
				seen[on] = true
				walk(on, seen)
			}
		}
	}
	for _, s := range steps {
		behind[s.o.name] = map[string]bool{}
		walk(s.o.name, behind[s.o.name])
		if behind[s.o.name][s.o.name] {
			s.o.report(p, ruleDelivery, fieldPath{"spec", "dependsOn"}, "it depends on itself")
			return
		}
	}
	for _, a := range steps {
		for _, b := range steps {
			parallel := a.release != "" && b.release != ""
			switch {
			case a.place >= b.place:
			case behind[a.o.name][b.o.name]:
				a.o.report(p, ruleDelivery, fieldPath{"spec", "dependsOn"}, "it depends on %s, which is installed behind it", b.o.name)
			case !parallel && !behind[b.o.name][a.o.name]:
				b.o.report(p, ruleDelivery, fieldPath{"spec", "dependsOn"}, "it does not depend on %s, which is installed before it", a.o.name)
			}
		}
	}
	p.checkFluxNeeds(behind, steps)
	for _, folder := range p.phaseFolders() {
		n := slices.IndexFunc(steps, func(s fluxStep) bool { return s.folder == folder })
		if n < 0 && !p.folderHas(folder, func(o *object) bool { return o.is("", "Node") }) {
			p.missing(ruleDelivery, "no step of Flux brings the folder %s", folder)
		}
	}
	for _, o := range p.delivery.flux.releases {
		name := path.Base(path.Dir(o.file.Path()))
		if !slices.ContainsFunc(steps, func(s fluxStep) bool { return s.release == name }) {
			o.report(p, ruleDelivery, nil, "no step of Flux brings it")
		}
	}
}

// checkFluxNeeds: a chart is behind those that the helmfile says it needs.
func (p *pass) checkFluxNeeds(behind map[string]map[string]bool, steps []fluxStep) {
	stepOf := map[string]*fluxStep{}
	for i := range steps {
		stepOf[steps[i].release] = &steps[i]
	}
	for _, h := range p.delivery.helmfile.charts {
		for _, need := range h.needs {
			a, b := stepOf[path.Base(need)], stepOf[h.release]
			if a != nil && b != nil && !behind[b.o.name][a.o.name] {
				b.o.report(p, ruleDelivery, fieldPath{"spec", "dependsOn"}, "it does not depend on %s, which it needs", a.o.name)
			}
		}
	}
}
