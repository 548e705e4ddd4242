package delivery

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Versions of Flux's kinds, of its release 2.8.
const (
	fluxSource    = "source.toolkit.fluxcd.io/v1"
	fluxKustomize = "kustomize.toolkit.fluxcd.io/v1"
	fluxHelm      = "helm.toolkit.fluxcd.io/v2"
)

// How often Flux looks. What it has applied it applies anew in every sweep, so that a change by hand holds that long.
const (
	pollInterval  = "1m"
	sweepInterval = "1h"
	retryInterval = "1m" // a webhook that is not up yet refuses objects
)

const fluxRootComment = `What a person applies, once. Order of a first installation:
  1. what Flux itself needs, nodes and Secrets: charts/%[1]s/install.sh --from %[2]s --to secrets
  2. kubectl apply --server-side --filename root.yaml
Deleting one of these objects leaves in the cluster what it has made, but for a HelmRelease, which takes its chart along.
To change something by hand: flux suspend kustomization %[3]s and the step's own; else the next sweep undoes it.`

const fluxStepsComment = `One Kustomization a step, behind those that it depends on: each waits until they are ready at the same commit.
The nodes are not among them: Flux applies with force, which would drop the taints that others have set on a node, make a
Node of a machine that has not joined, and restart no kube-proxy. install.sh --from nodes --to nodes brings them.`

func flux(p *ir.Plan, t *artifact.Tree) {
	fluxRoot(p, t)
	y := start(p, t, "steps/steps.yaml")
	y.From("", append(p.Delivery.From.Of("kind")[:1:1], p.Cluster.CNI.From.Of("managed")...)...)
	y.Comment(fluxStepsComment)
	var before, same []fluxKustomization // the steps of the wave before, and of the one at hand
	last := 0
	for i, s := range stepsOf(p, t) {
		if s.phase.ByHand {
			continue
		}
		if i > 0 && s.wave() != last {
			if len(same) > 0 {
				before, same = same, nil
			}
		}
		last = s.wave()
		k := fluxStep(p, s)
		k.needs = before
		k.write(p, y)
		same = append(same, k)
		if s.chart != nil {
			fluxChart(p, t, s.chart)
		}
	}
	if b := p.Delivery.Bundle; b != nil {
		bundleSource(p, start(p, t, "steps/gitrepository.yaml"), b)
	}
}

// fluxMeta is the head of an object of Flux.
func fluxMeta(p *ir.Plan, apiVersion, kind, name string, from []string) backend.Meta {
	return backend.Meta{
		APIVersion: apiVersion, Kind: kind, Namespace: ir.FluxNamespace, Name: name, Labels: backend.ManagedBy(p),
		From: slices.Concat(p.Delivery.From.Of("kind"), from, p.From),
	}
}

// fluxRoot writes what reads the tree, and the Kustomization of the others.
func fluxRoot(p *ir.Plan, t *artifact.Tree) {
	d := &p.Delivery
	y := start(p, t, "root.yaml")
	y.From("", append(d.From.Of("kind")[:1:1], p.Cluster.CNI.From.Of("managed")...)...)
	y.Comment(fmt.Sprintf(fluxRootComment, p.Name, d.Phases[0].Name, ir.FluxName))
	backend.Object(y, fluxMeta(p, fluxSource, "GitRepository", ir.FluxName, nil), func() {
		y.Map("spec", func() {
			y.KV("interval", pollInterval)
			y.From("", d.From.Of("repository")...)
			y.KV("url", d.Repository)
			y.Map("ref", func() {
				y.From("", d.From.Of("revision")...)
				y.KV("name", d.Reference)
			})
			if d.Secret != "" {
				y.From("", d.From.Of("repositorySecret")...)
				y.Map("secretRef", func() { y.KV("name", d.Secret) })
			}
			y.Fixed()
		})
	})
	fluxKustomization{
		name: ir.FluxName, source: ir.FluxName, path: path.Join(d.Path, gitopsDir(p), "steps"), pathFrom: d.From.Of("path"),
		comment: "Nothing is pruned: a step that leaves the tree leaves in the cluster what it has made.",
	}.write(p, y)
}

// bundleSource writes the repository of the CRDs.
func bundleSource(p *ir.Plan, y *artifact.YAML, b *ir.Bundle) {
	backend.Object(y, fluxMeta(p, fluxSource, "GitRepository", bundleName, b.From), func() {
		y.Map("spec", func() {
			y.KV("interval", sweepInterval)
			y.From("", b.From...)
			y.KV("url", b.Source)
			y.Map("ref", func() { y.KV("name", "refs/tags/"+b.Revision) })
			y.Fixed()
			y.Comment("Of all that is in it, the kinds alone.")
			y.KV("ignore", "/*\n!/config/\n/config/*\n!/config/crd/\n")
		})
	})
}

// bundleName is the name of what brings the CRDs of the Gateway API.
const bundleName = "gateway-api"

// fluxKustomization is one Kustomization of Flux: a folder that is applied.
type fluxKustomization struct {
	name, source, path string
	pathFrom           []string
	comment            string
	needs              []fluxKustomization
	prune, wait        bool
	health             []readiness // of what it waits for, where that has no condition Ready
	from               []string
}

// fluxStep is the Kustomization of a step.
func fluxStep(p *ir.Plan, s step) fluxKustomization {
	d := &p.Delivery
	switch {
	case s.bundle != nil:
		return fluxKustomization{name: bundleName, source: bundleName, path: s.bundle.Path, pathFrom: s.bundle.From, wait: true, from: s.bundle.From, comment: bundleComment}
	case s.chart != nil:
		r := s.chart.Release
		return fluxKustomization{
			name: chartName(r), source: ir.FluxName, path: path.Join(d.Path, chartDir(p, r)), pathFrom: append(d.From.Of("path"), r.From...), wait: true, from: r.From,
			comment: "Never pruned: with its HelmRelease goes all that the chart has made.",
		}
	}
	k := fluxKustomization{
		name: s.folder, source: ir.FluxName, path: path.Join(d.Path, backend.OverlayDir(p), s.folder), pathFrom: d.From.Of("path"),
		prune: s.phase.Prune, wait: len(s.phase.Waits) > 0, from: s.from,
	}
	for _, r := range readinesses {
		if slices.ContainsFunc(s.phase.Waits, func(w ir.Wait) bool { return strings.HasPrefix(w.Object, r.object+"/") }) {
			k.health = append(k.health, r)
		}
	}
	if !k.prune {
		k.comment = namespacesComment
	}
	return k
}

func (k fluxKustomization) write(p *ir.Plan, y *artifact.YAML) {
	backend.Object(y, fluxMeta(p, fluxKustomize, "Kustomization", k.name, k.from), func() {
		if k.comment != "" {
			y.Comment(k.comment)
		}
		y.Map("spec", func() {
			y.KV("interval", sweepInterval)
			y.KV("retryInterval", retryInterval)
			y.KV("timeout", waitTime)
			if len(k.needs) > 0 {
				var from []string
				for _, n := range k.needs {
					from = append(from, n.from...)
				}
				y.From("", from...)
				y.Seq("dependsOn", func() {
					for _, n := range k.needs {
						y.Item(func() { y.KV("name", n.name) })
					}
				})
				y.Fixed()
			}
			y.Map("sourceRef", func() {
				y.KV("kind", "GitRepository")
				y.KV("name", k.source)
			})
			y.From("", k.pathFrom...)
			y.KV("path", "./"+k.path)
			y.Fixed()
			y.KV("prune", k.prune)
			y.KV("deletionPolicy", "Orphan")
			if k.wait {
				y.KV("wait", true)
			}
			if len(k.health) > 0 {
				y.Seq("healthCheckExprs", func() {
					for _, r := range k.health {
						y.Item(func() {
							y.KV("apiVersion", r.apiVersion)
							y.KV("kind", r.kind)
							y.KV("current", r.current)
						})
					}
				})
			}
		})
	})
}

// readiness tells Flux when an object is ready that has no condition Ready, without which any object passes for ready.
type readiness struct {
	object           string // as a wait names the kind
	apiVersion, kind string
	current          string // an expression of CEL
}

var readinesses = []readiness{
	{"gateway.gateway.networking.k8s.io", "gateway.networking.k8s.io/v1", "Gateway",
		"has(status.conditions) && status.conditions.exists(c, c.type == 'Programmed' && c.status == 'True' && c.observedGeneration == metadata.generation)"},
	{"egressgateway.operator.tigera.io", "operator.tigera.io/v1", "EgressGateway", "has(status.state) && status.state == 'Ready'"},
}
