package delivery

import (
	"path"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// chartDir is the folder of a release: its values, and for Flux what installs it.
func chartDir(p *ir.Plan, r ir.Release) string { return "charts/" + p.Name + "/" + r.Name }

// chartName is the name of all objects of Flux that belong to a release. Flux makes it a label's value: 63 characters,
// and a release has 53.
func chartName(r ir.Release) string { return "chart-" + r.Name }

const valuesFile = "values.yaml"

// chartComment: the strategy keeps a failure from being answered with an uninstallation, which is Flux's default once
// retries are asked for. helm-controller applies with force, so that fields which others write are no conflict.
const chartComment = "A release that fails is tried again as it is: rolling back or uninstalling a mesh is for people to decide."

// fluxChart writes what installs a release, and the kustomization that makes a ConfigMap of its values.
func fluxChart(p *ir.Plan, t *artifact.Tree, c *ir.ChartStep) {
	r := c.Release
	f := t.File(path.Join(chartDir(p, r), "release.yaml"), p.From...)
	f.Header("#", p.Name)
	y := f.YAML()
	isOCI := strings.HasPrefix(r.Repository, oci)
	if isOCI {
		chartArtifact(p, y, r)
	} else {
		backend.Object(y, fluxMeta(p, fluxSource, "HelmRepository", chartName(r), r.From), func() {
			y.Map("spec", func() {
				y.KV("interval", sweepInterval)
				y.KV("url", r.Repository)
			})
		})
	}
	backend.Object(y, fluxMeta(p, fluxHelm, "HelmRelease", chartName(r), r.From), func() {
		y.Comment(chartComment)
		y.Map("spec", func() {
			y.KV("interval", sweepInterval)
			y.KV("timeout", waitTime)
			y.KV("releaseName", r.Name)
			y.KV("targetNamespace", r.Namespace)
			y.Comment("Where helm itself looks for a release.")
			y.KV("storageNamespace", r.Namespace)
			if isOCI {
				y.Map("chartRef", func() {
					y.KV("kind", "OCIRepository")
					y.KV("name", chartName(r))
				})
			} else {
				backend.Nested(y, []string{"chart", "spec"}, func() {
					y.KV("chart", r.Chart)
					y.KV("version", r.Version)
					y.Map("sourceRef", func() {
						y.KV("kind", "HelmRepository")
						y.KV("name", chartName(r))
					})
				})
			}
			y.Seq("valuesFrom", func() {
				y.Item(func() {
					y.KV("kind", "ConfigMap")
					y.KV("name", chartName(r))
					y.KV("valuesKey", valuesFile)
				})
			})
			for _, action := range []string{"install", "upgrade"} {
				y.Map(action, func() {
					y.KV("crds", crdPolicy(r))
					if c.Later != nil {
						y.From("", c.Later...)
						y.Comment("A Service of it gets its address in a later step.")
						y.KV("disableWait", true)
						y.Fixed()
					}
					y.Map("strategy", func() {
						y.KV("name", "RetryOnFailure")
						y.KV("retryInterval", retryInterval)
					})
				})
			}
			fluxPatches(y, r)
			drift(y, c)
		})
	})
	chartKustomization(p, t, r)
}

// crdPolicy: helm itself installs the kinds in a chart's folder crds once and never looks at them again.
func crdPolicy(r ir.Release) string {
	if r.SkipCRDs {
		return "Skip"
	}
	return "CreateReplace"
}

// drift writes what differs from a chart for good. A change by hand is told of and stays.
func drift(y *artifact.YAML, c *ir.ChartStep) {
	y.Map("driftDetection", func() {
		y.KV("mode", "warn")
		if len(c.Rewritten) == 0 {
			return
		}
		y.Seq("ignore", func() {
			for _, w := range c.Rewritten {
				y.From("", w.From...)
				y.Item(func() {
					y.KV("paths", w.Pointers)
					y.Map("target", func() {
						y.KV("group", w.Group)
						y.KV("kind", w.Kind)
						y.KV("name", w.Name)
					})
				})
			}
			y.Fixed()
		})
	})
}

// chartArtifact writes the place of a chart in a registry. A tag has "_" where a version has "+".
func chartArtifact(p *ir.Plan, y *artifact.YAML, r ir.Release) {
	backend.Object(y, fluxMeta(p, fluxSource, "OCIRepository", chartName(r), r.From), func() {
		y.Map("spec", func() {
			y.KV("interval", sweepInterval)
			y.KV("url", r.Repository+"/"+r.Chart)
			y.Map("ref", func() { y.KV("tag", strings.ReplaceAll(r.Version, "+", "_")) })
			y.Map("layerSelector", func() {
				y.KV("mediaType", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
				y.KV("operation", "copy")
			})
		})
	})
}

// chartKustomization makes a ConfigMap of the values. helm-controller watches it by its label.
func chartKustomization(p *ir.Plan, t *artifact.Tree, r ir.Release) {
	f := t.File(path.Join(chartDir(p, r), "kustomization.yaml"), p.From...)
	f.Header("#", p.Name)
	f.From("", append(p.Delivery.From.Of("kind"), r.From...)...)
	y := f.YAML()
	y.KV("apiVersion", "kustomize.config.k8s.io/v1beta1")
	y.KV("kind", "Kustomization")
	y.KV("resources", []string{"release.yaml"})
	y.Seq("configMapGenerator", func() {
		y.Item(func() {
			y.KV("name", chartName(r))
			y.KV("namespace", ir.FluxNamespace)
			y.KV("files", []string{valuesFile})
			y.Map("options", func() {
				y.KV("disableNameSuffixHash", true)
				y.Map("labels", func() { y.KV("reconcile.fluxcd.io/watch", "Enabled") })
			})
		})
	})
}
