package delivery

import (
	_ "embed"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// patchFunction is the part of install.sh that is there where an object of a chart is patched.
//
//go:embed patches.sh
var patchFunction string

// patchProgram is what helm runs: as a program itself (Helm 3), or as a plugin (Helm 4, which takes no other).
//
//go:embed patch.sh
var patchProgram string

const helmfilePatchesComment = `Patches of what a chart makes need kustomize, or kubectl, beside helm: helmfile renders such a chart, patches it and installs
the result.`

// patchedComment: Argo CD renders a chart by itself or by kustomize, and only kustomize patches
// (argo-cd v3.4.2 docs/user-guide/kustomize.md, Kustomizing Helm charts; read 2026-11-21).
const patchedComment = `Rendered by kustomize, for the patches of what the chart makes: Argo CD needs kustomize.buildOptions of argocd-cm.yaml.`

const buildOptionsComment = `For charts whose objects are patched. It holds for every Application that is built by kustomize: whoever may write
to a repository of one may then have charts rendered. If you have options already, add this one to them by hand.`

const renderingComment = `For Argo CD, which patches what a chart makes by no other way. The folder charts, into which kustomize loads the chart,
does not belong into the repository. Whoever builds it: kustomize build --enable-helm.`

// patched reports whether an object of any chart is.
func patched(p *ir.Plan) bool {
	return slices.ContainsFunc(p.Releases, func(r ir.Release) bool { return len(r.Patches) > 0 })
}

func patchesFrom(r ir.Release) []string {
	var out []string
	for _, x := range r.Patches {
		out = append(out, x.From...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// chartPatches writes the patches of each release as a component of kustomize, and what helm runs to apply them.
func chartPatches(p *ir.Plan, t *artifact.Tree) {
	if !patched(p) {
		return
	}
	for _, r := range p.Releases {
		if len(r.Patches) == 0 {
			continue
		}
		f := t.File(path.Join(chartDir(p, r), "patches", "kustomization.yaml"), append(patchesFrom(r), p.From...)...)
		f.Header("#", p.Name)
		y := f.YAML()
		y.KV("apiVersion", "kustomize.config.k8s.io/v1alpha1")
		y.KV("kind", "Component")
		kustomizePatches(y, r)
	}
	dir := "charts/" + p.Name + "/post-renderer/meshgen-patch/"
	f := t.File(dir+"patch.sh", "patches", "name")
	f.Executable()
	f.Line("#!/usr/bin/env bash")
	f.Header("#", p.Name)
	f.Line(strings.TrimSuffix(patchProgram, "\n"))
	// helm v4.3.1 internal/plugin/metadata_v1.go, pkg/postrenderer/postrenderer.go; read 2026-11-21.
	f = t.File(dir+"plugin.yaml", "patches", "name")
	f.Header("#", p.Name)
	y := f.YAML()
	y.KV("apiVersion", "v1")
	y.KV("name", "meshgen-patch")
	y.KV("version", "1.0.0")
	y.KV("type", "postrenderer/v1")
	y.KV("runtime", "subprocess")
	y.Map("runtimeConfig", func() {
		y.Seq("platformCommand", func() {
			y.Item(func() { y.KV("command", "${HELM_PLUGIN_DIR}/patch.sh") })
		})
	})
}

// kustomizePatches writes the patches of a release as kustomize takes them, where it reads them and where Flux does.
func kustomizePatches(y *artifact.YAML, r ir.Release) {
	y.Seq("patches", func() {
		for _, x := range r.Patches {
			backend.KustomizePatch(y, x.Kind, x.Name, x.Text, x.From)
		}
		y.Fixed()
	})
}

// helmfilePatches writes them as helmfile takes them (helmfile v1.8.0 pkg/state/helmx.go, chartify v0.28.2 patch.go; read
// 2026-11-21): it finds the object of a strategic merge by its names.
func helmfilePatches(y *artifact.YAML, r ir.Release) {
	list := func(key string, is func(ir.ChartPatch) bool, write func(ir.ChartPatch)) {
		if !slices.ContainsFunc(r.Patches, is) {
			return
		}
		y.From("", patchesFrom(r)...)
		y.Seq(key, func() {
			for _, x := range r.Patches {
				if is(x) {
					y.From("", x.From...)
					y.Item(func() { write(x) })
				}
			}
		})
		y.Fixed()
	}
	list("jsonPatches", func(x ir.ChartPatch) bool { return x.Operations != nil }, func(x ir.ChartPatch) {
		y.Map("target", func() {
			y.KV("kind", x.Kind)
			y.KV("name", regexp.QuoteMeta(x.Name))
		})
		y.Flow("patch", x.Operations)
	})
	list("strategicMergePatches", func(x ir.ChartPatch) bool { return x.Merge != nil }, func(x ir.ChartPatch) {
		for _, key := range []string{"apiVersion", "kind", "metadata"} {
			y.Flow(key, x.Merge[key])
		}
		for _, key := range slices.Sorted(maps.Keys(x.Merge)) {
			if key != "apiVersion" && key != "kind" && key != "metadata" {
				y.Flow(key, x.Merge[key])
			}
		}
	})
}

// fluxPatches writes them into a HelmRelease.
func fluxPatches(y *artifact.YAML, r ir.Release) {
	if len(r.Patches) == 0 {
		return
	}
	y.From("", patchesFrom(r)...)
	y.Seq("postRenderers", func() {
		y.Item(func() {
			y.Map("kustomize", func() { kustomizePatches(y, r) })
		})
	})
	y.Fixed()
}

// renderings writes, for each release with patches, the kustomization that has its chart rendered and patched.
func renderings(p *ir.Plan, t *artifact.Tree) {
	for _, r := range p.Releases {
		if len(r.Patches) == 0 {
			continue
		}
		f := t.File(path.Join(chartDir(p, r), "kustomization.yaml"), append(p.Delivery.From.Of("kind")[:1:1], p.From...)...)
		f.Header("#", p.Name)
		f.From("", append(patchesFrom(r), r.From...)...)
		y := f.YAML()
		y.Comment(renderingComment)
		y.KV("apiVersion", "kustomize.config.k8s.io/v1beta1")
		y.KV("kind", "Kustomization")
		y.Seq("helmCharts", func() {
			y.Item(func() {
				y.KV("name", r.Chart)
				y.KV("repo", r.Repository)
				y.KV("version", r.Version)
				y.KV("releaseName", r.Name)
				y.KV("namespace", r.Namespace)
				y.KV("valuesFile", valuesFile)
				y.KV("includeCRDs", !r.SkipCRDs)
			})
		})
		kustomizePatches(y, r)
	}
}
