package verify

import (
	"bytes"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"

	"meshgen.dev/meshgen/compiler/artifact"
)

// postRendererDir is the folder of what helm passes the objects of a patched chart through.
func (p *pass) postRendererDir() string {
	return "charts/" + p.releases.Site + "/post-renderer/meshgen-patch/"
}

// readPostRenderer is the verifier of what helm runs: a program, and the plugin that it is for Helm 4.
func readPostRenderer(f *artifact.File, p *pass) {
	if path.Dir(f.Path())+"/" != p.postRendererDir() {
		return
	}
	switch path.Base(f.Path()) {
	case "patch.sh":
		parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(f.Bytes()), "patch.sh")
		if err != nil {
			p.report(f, 0, ruleDelivery, "not bash: %v", err)
			return
		}
		if !bytes.HasPrefix(f.Bytes(), []byte("#!/usr/bin/env bash\n")) || f.Mode().Perm()&0o111 == 0 {
			p.report(f, 1, ruleDelivery, "helm cannot run it")
		}
		if n := len(parsed.Stmts); n < 2 || strings.Join(callWords(parsed.Stmts[0]), " ") != "set -euo pipefail" ||
			!strings.HasPrefix(strings.Join(callWords(parsed.Stmts[n-1]), " "), "kubectl kustomize ") {
			p.report(f, 0, ruleDelivery, "it does not end with what kustomize builds, or goes on after a failure")
		}
		if !bytes.Contains(f.Bytes(), []byte("\nresources: [rendered.yaml]\ncomponents: [patches]\n")) || !bytes.Contains(f.Bytes(), []byte(`cp "$1/kustomization.yaml" "$work/patches/"`)) {
			p.report(f, 0, ruleDelivery, "it does not build what helm has rendered with the patches of the release")
		}
	case "plugin.yaml":
		docs := p.documents(f)
		if len(docs) != 1 {
			p.report(f, 0, ruleDelivery, "a plugin is one document")
			return
		}
		v := value(docs[0])
		commands := list(v, "runtimeConfig", "platformCommand")
		if str(v, "apiVersion") != "v1" || str(v, "name") != "meshgen-patch" || str(v, "type") != "postrenderer/v1" || str(v, "runtime") != "subprocess" ||
			len(commands) != 1 || str(commands[0], "command") != "${HELM_PLUGIN_DIR}/patch.sh" {
			p.report(f, 0, ruleDelivery, "not the plugin by which Helm 4 runs patch.sh")
		}
	default:
		p.report(f, 0, ruleDelivery, "neither the program nor its plugin")
	}
}

// sameList holds a list of kustomize's patches against the declared ones.
func sameList(patches []any, want []Patch) bool {
	return slices.EqualFunc(patches, want, func(x any, w Patch) bool {
		return str(x, "target", "kind") == w.Kind && str(x, "target", "name") == regexp.QuoteMeta(w.Name) && len(dict(x)) == 2 && len(dict(x, "target")) == 2 &&
			strings.TrimSpace(str(x, "patch")) == strings.TrimSpace(w.Text)
	})
}

// checkHelmfilePatches holds the patches of one release of the helmfile against the declared ones.
func (p *pass) checkHelmfilePatches(f *artifact.File, line int, release any) {
	var operations, merges []any
	var targets []Patch
	for _, w := range p.releases.Charts[str(release, "name")].Patches {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(w.Text), &doc) != nil || len(doc.Content) != 1 {
			continue
		}
		v := value(doc.Content[0])
		if _, isList := v.([]any); isList {
			operations, targets = append(operations, v), append(targets, w)
		} else {
			merges = append(merges, v)
		}
	}
	have := list(release, "jsonPatches")
	same := slices.EqualFunc(have, operations, func(x, w any) bool { return reflect.DeepEqual(get(x, "patch"), w) })
	for i, x := range have {
		same = same && i < len(targets) && str(x, "target", "kind") == targets[i].Kind && str(x, "target", "name") == regexp.QuoteMeta(targets[i].Name)
	}
	if !same || !slices.EqualFunc(list(release, "strategicMergePatches"), merges, func(x, w any) bool { return reflect.DeepEqual(x, w) }) {
		p.report(f, line, ruleDelivery, "release %s is not patched as the site says", str(release, "name"))
	}
}

// checkChartPatches: whoever installs a chart applies the site's patches of its objects, all of them and no other.
func (p *pass) checkChartPatches(d *delivery) {
	for _, release := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		want := p.releases.Charts[release].Patches
		dir := "charts/" + p.releases.Site + "/" + release
		k := p.kustomizations[dir+"/patches"]
		switch {
		case k == nil && len(want) > 0:
			p.missing(ruleDelivery, "%s/patches/kustomization.yaml does not exist, and the site patches the release", dir)
		case k != nil && (str(k.value, "kind") != "Component" || str(k.value, "apiVersion") != "kustomize.config.k8s.io/v1alpha1" || len(k.value) != 3 || !sameList(list(k.value, "patches"), want)):
			k.report(p, nil, "not a component with the site's patches of release %s", release)
		}
		if i := slices.IndexFunc(d.script.steps, func(st step) bool { return st.name == "chart" && st.args[0] == release }); i >= 0 && d.script.steps[i].patched != (len(want) > 0) {
			p.report(d.script.file, d.script.steps[i].line, ruleDelivery, "release %s is not patched as the site says", release)
		}
		for _, file := range []string{"patch.sh", "plugin.yaml"} {
			if len(want) > 0 && p.tree.Lookup(p.postRendererDir()+file) == nil {
				p.missing(ruleDelivery, "%s%s does not exist, and release %s is patched", p.postRendererDir(), file, release)
			}
		}
		if r := p.kustomizations[dir]; len(d.applications) > 0 && (r == nil) != (len(want) == 0) {
			p.missing(ruleDelivery, "Argo CD renders release %s without the site's patches, or by kustomize without any", release)
		}
	}
	for _, o := range d.flux.releases {
		var patches []any
		for _, r := range list(o.value, "spec", "postRenderers") {
			patches = append(patches, list(r, "kustomize", "patches")...)
		}
		if !sameList(patches, p.releases.Charts[str(o.value, "spec", "releaseName")].Patches) {
			o.report(p, ruleDelivery, fieldPath{"spec", "postRenderers"}, "the release is not patched as the site says")
		}
	}
}

// renderedChart reads the kustomization by which Argo CD renders a chart whose objects are patched.
func (p *pass) renderedChart(o *object, k *kustomization, dir string) delivered {
	charts := list(k.value, "helmCharts")
	if len(charts) != 1 || len(k.value) != 4 {
		k.report(p, nil, "not one chart with its patches")
		return delivered{}
	}
	c := charts[0]
	release := str(c, "releaseName")
	if release != path.Base(dir) || str(c, "valuesFile") != "values.yaml" || str(c, "namespace") != str(o.value, "spec", "destination", "namespace") {
		k.report(p, fieldPath{"helmCharts"}, "not the release of this folder with its values, in the namespace of its Application")
	}
	if get(c, "includeCRDs") != true && p.delivery.helmfile != nil && !bytes.Contains(p.delivery.helmfile.file.Bytes(), []byte("--skip-crds")) {
		k.report(p, fieldPath{"helmCharts"}, "the kinds that the chart brings are left out")
	}
	if !sameList(list(k.value, "patches"), p.releases.Charts[release].Patches) {
		k.report(p, fieldPath{"patches"}, "not the site's patches of the release")
	}
	if options := strings.Fields(str(p.settingsOf(), "data", "kustomize.buildOptions")); !slices.Contains(options, "--enable-helm") {
		k.report(p, nil, "Argo CD is not told to render charts by kustomize")
	}
	return delivered{release: release, namespace: str(c, "namespace"), chart: str(c, "name"), version: str(c, "version"), repository: str(c, "repo"), line: lineOf(o.node, fieldPath{"spec"})}
}

func (p *pass) settingsOf() map[string]any {
	if p.delivery.settings == nil {
		return nil
	}
	return p.delivery.settings.value
}
