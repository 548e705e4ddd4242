package delivery

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// functions is the part of install.sh that is the same for every site: arguments, the confirmation, and a function for
// each kind of step.
//
//go:embed functions.sh
var functions string

// driverFunction is the further function of a site whose pods mount what somebody else's driver gives.
//
//go:embed driver.sh
var driverFunction string

// anewFunction is the further function of a site with Deployments that their controller does not bring up to date by itself.
//
//go:embed anew.sh
var anewFunction string

const installComment = `# Installs the site, or brings it up to date: the charts with helm, the objects with kubectl apply --server-side, phase by
# phase, waiting for what the next one needs. It may be run again at any time; it deletes nothing. Needs bash, helm 3.8 or
# later and kubectl 1.31 or later. See --help.`

func install(p *ir.Plan, t *artifact.Tree) {
	f := t.File("charts/"+p.Name+"/install.sh", p.From...)
	f.Executable()
	f.Line("#!/usr/bin/env bash")
	f.Header("#", p.Name)
	f.Line(installComment)
	f.Line("set -euo pipefail")
	f.Line(`cd "$(dirname "${BASH_SOURCE[0]}")/../.."`)
	f.Linef("site=%s", p.Name)
	from := []string{"components.cni.managed"} // with it goes a phase
	for _, ph := range p.Delivery.Phases {
		from = append(from, ph.From...)
	}
	f.From("", from...)
	f.Linef("phases='%s'", phaseNames(p))
	f.Fixed()
	f.Line(strings.TrimSuffix(functions, "\n"))
	if patched(p) {
		f.From("", "patches")
		f.Line(strings.TrimSuffix(patchFunction, "\n"))
		f.Fixed()
	}
	if ca := p.Mesh.CA; ca != nil && ca.SPIRE != nil {
		f.From("", ca.From...)
		f.Line(strings.TrimSuffix(driverFunction, "\n"))
		f.Fixed()
	}
	for i := range p.Delivery.Phases {
		if all := p.Delivery.Phases[i].Anew; len(all) > 0 {
			f.From("", "mesh.kind", "gateways")
			f.Line(strings.TrimSuffix(anewFunction, "\n"))
			f.Fixed()
		}
	}
	for i := range p.Delivery.Phases {
		from := p.Delivery.Phases[i].From
		f.Begin(append(from[:len(from):len(from)], p.From...)...)
		phase(p, t, f, &p.Delivery.Phases[i])
	}
	f.Begin(p.From...)
	f.Line(`printf 'done\n'`)
}

func phaseNames(p *ir.Plan) string {
	var out []string
	for _, ph := range p.Delivery.Phases {
		out = append(out, ph.Name)
	}
	return strings.Join(out, " ")
}

// phase writes the steps of one phase. A phase of which the site has nothing is there all the same, so that its name is
// known to --from.
func phase(p *ir.Plan, t *artifact.Tree, f *artifact.File, ph *ir.DeliveryPhase) {
	f.Linef("if begin %s '%s'; then", ph.Name, ph.Doc)
	f.Line("\t:")
	name, from := folder(p, t, ph)
	switch ph.Name {
	case "crds":
		crds(p, t, f)
	case "nodes":
		nodes(p, t, f, name)
	}
	if ph.Name == "network" && slices.ContainsFunc(p.Secrets, func(s ir.Secret) bool { return s.First }) {
		secrets(p, f, ph.Name, true)
	}
	if b := p.Delivery.Bundle; b != nil && b.Phase == ph.Name {
		bundle(f, b)
	}
	for _, c := range ph.Charts {
		f.From("", c.Release.From...)
		if len(c.Release.Patches) > 0 {
			f.From("", append(patchesFrom(c.Release), c.Release.From...)...)
		}
		if c.Later != nil {
			f.From("", append(c.Later[:len(c.Later):len(c.Later)], c.Release.From...)...)
		}
		f.Line("\t" + chart(c))
		waits(f, c.Waits)
	}
	f.Fixed()
	if name != "" && ph.Name != "nodes" {
		f.From("", from...)
		f.Line("\tapply " + name)
	}
	waits(f, ph.Waits)
	for _, a := range ph.Anew {
		f.From("", a.From...)
		f.Linef("\tanew %s %s %d", a.Namespace, a.Deployment, a.Replicas)
	}
	if ph.Name == "secrets" {
		secrets(p, f, ph.Name, false)
	}
	f.Fixed()
	f.Line("fi")
}

func chart(c ir.ChartStep) string {
	r := c.Release
	line := fmt.Sprintf("chart %s %s %s %s", r.Name, r.Namespace, r.Version, r.HelmChart())
	if r.SkipCRDs {
		line += " --skip-crds"
	}
	if c.Later != nil {
		line += " --no-wait"
	}
	if len(r.Patches) > 0 {
		line = "patched_" + line
	}
	return line
}

func waits(f *artifact.File, all []ir.Wait) {
	for _, w := range all {
		f.From("", w.From...)
		namespace := w.Namespace
		if namespace == "" {
			namespace = "''"
		}
		f.Linef("\twait_for %s %s '%s'", namespace, w.Object, w.For)
	}
	f.Fixed()
}

// broughtByOthers are the kinds whose CRDs come with what meshgen relies on, by the name of the kind's file. Where the tree
// installs the chart that brings them nobody need look.
var broughtByOthers = []struct{ file, crd, owner, chart string }{
	{"certificate.yaml", "certificates.cert-manager.io", "cert-manager", ""},
	{"externalsecret.yaml", "externalsecrets.external-secrets.io", "External Secrets", ""},
	{"podmonitor.yaml", "podmonitors.monitoring.coreos.com", "the Prometheus operator", ""},
	{"servicemonitor.yaml", "servicemonitors.monitoring.coreos.com", "the Prometheus operator", ""},
	{"prometheusrule.yaml", "prometheusrules.monitoring.coreos.com", "the Prometheus operator", ""},
	{"egressgateway.yaml", "egressgateways.operator.tigera.io", "Calico Enterprise", ""},
	{"ciliumloadbalancerippool.yaml", "ciliumloadbalancerippools.cilium.io", "Cilium", "cilium"},
	{"ciliuml2announcementpolicy.yaml", "ciliuml2announcementpolicies.cilium.io", "Cilium", "cilium"},
	{"ciliumbgpclusterconfig.yaml", "ciliumbgpclusterconfigs.cilium.io", "Cilium", "cilium"},
	{"ciliumbgppeerconfig.yaml", "ciliumbgppeerconfigs.cilium.io", "Cilium", "cilium"},
	{"ciliumbgpadvertisement.yaml", "ciliumbgpadvertisements.cilium.io", "Cilium", "cilium"},
	{"ciliumegressgatewaypolicy.yaml", "ciliumegressgatewaypolicies.cilium.io", "Cilium", "cilium"},
	{"ciliumclusterwidenetworkpolicy.yaml", "ciliumclusterwidenetworkpolicies.cilium.io", "Cilium", "cilium"},
}

// crds looks for the kinds that others bring and objects of the tree are of.
func crds(p *ir.Plan, t *artifact.Tree, f *artifact.File) {
	for _, kind := range broughtByOthers {
		if kind.chart != "" && slices.ContainsFunc(p.Releases, func(r ir.Release) bool { return r.Chart == kind.chart }) {
			continue
		}
		var from []string
		for _, file := range t.Files() {
			if strings.HasPrefix(file.Path(), backend.OverlayDir(p)+"/") && strings.HasSuffix(file.Path(), "/"+kind.file) {
				from = append(from, blocks(file)...)
			}
		}
		if from != nil {
			if kind.chart != "" {
				from = append(from, p.Cluster.CNI.From.Of("managed")...)
			}
			f.From("", from...)
			f.Linef("\tcrd %s '%s'", kind.crd, kind.owner)
		}
	}
	if ca := p.Mesh.CA; ca != nil && ca.SPIRE != nil {
		f.From("", ca.From...)
		f.Linef("\tdriver %s SPIRE", ca.SPIRE.Driver)
	}
	f.Fixed()
	f.Line("\tcomplete 'Install what brings them first.'")
}

// bundle brings the kinds of the Gateway API.
func bundle(f *artifact.File, b *ir.Bundle) {
	f.From("", b.From...)
	f.Line("\tkube apply --server-side --filename " + b.Manifest)
	for _, c := range b.CRDs {
		f.Linef("\twait_for '' customresourcedefinition.apiextensions.k8s.io/%s condition=Established", c)
	}
	f.Fixed()
}

// nodes looks for every machine before anything is applied to one.
func nodes(p *ir.Plan, t *artifact.Tree, f *artifact.File, name string) {
	f.Line("\tjoined=\" $(ask get nodes --output name | tr '\\n' ' ')\"")
	for i := range p.Nodes {
		f.From("", p.Nodes[i].From...)
		f.Line("\tnode " + p.Nodes[i].Name)
	}
	f.Fixed()
	f.Line("\tcomplete 'Join them first, or take them out of the site.'")
	f.Line("\tlabel_nodes")
	if cm := t.Lookup(backend.OverlayDir(p) + "/" + name + "/configmap.yaml"); cm != nil {
		f.From("", blocks(cm)...)
		f.Line("\tkube_proxy")
	}
	f.Fixed()
}

// secrets looks for every Secret that no later phase makes: those that the pod network reads, or all others.
func secrets(p *ir.Plan, f *artifact.File, phase string, first bool) {
	for _, s := range p.Secrets {
		if s.Creator == ir.CertManager || s.Late || s.First != first {
			continue // from a Certificate among the gateways' objects, or from a site that may not be there yet
		}
		f.From("", s.From...)
		f.Linef("\tsecret %s %s %s", s.Namespace, s.Name, strings.Join(s.Keys, " "))
	}
	f.Fixed()
	f.Linef("\tcomplete 'docs/%s/SECRETS.md says what each is for. Then run again with --from %s.'", p.Name, phase)
}
