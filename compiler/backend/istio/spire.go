package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// spireVolumeName is the volume in which every template of Istio's looks for a socket: the sidecar's, the gateway's and
// that of gateways which istiod deploys (istio/istio 1.31.0-rc.0 manifests/charts/istio-control/istio-discovery/files;
// read 2026-11-21). They leave it empty.
const spireVolumeName = "workload-socket"

// spireTemplateName is our template, which fills that volume.
const spireTemplateName = "spire"

// spire is how proxies reach SPIRE; nil where somebody else signs.
func (e *emitter) spire() *ir.SPIRE {
	if ca := e.p.Mesh.CA; ca != nil {
		return ca.SPIRE
	}
	return nil
}

// spireTemplate fills the volume in every pod with a sidecar. It names no container: a native sidecar is an init
// container, and one named among the others would be a second proxy without an image (pkg/kube/inject/inject.go,
// RunTemplate). The proxy's own template mounts the volume already.
func (e *emitter) spireTemplate(y *artifact.YAML) {
	s := e.spire()
	if s == nil {
		return
	}
	y.From("", e.p.Mesh.CA.From...)
	y.Comment("SPIRE signs: the volume in which a proxy looks for who does is its agent's. Pods that name templates themselves (gateways)\n" +
		"name this one too.")
	y.KV("defaultTemplates", []string{"sidecar", spireTemplateName})
	y.Map("templates", func() {
		y.Block(spireTemplateName, patch(func(y *artifact.YAML) {
			y.Map("spec", func() { spireVolume(y, s) })
		}))
	})
	y.Fixed()
}

// spireVolume writes the volume. The driver refuses one that is not read-only.
func spireVolume(y *artifact.YAML, s *ir.SPIRE) {
	y.Seq("volumes", func() {
		y.Item(func() {
			y.KV("name", spireVolumeName)
			y.Map("csi", func() {
				y.KV("driver", s.Driver)
				y.KV("readOnly", true)
			})
		})
	})
}

// gatewayTemplates names the templates of a gateway's pods, in place of the one that the chart names.
func (e *emitter) gatewayTemplates(y *artifact.YAML) {
	if e.spire() == nil {
		return
	}
	y.From("", e.p.Mesh.CA.From...)
	y.KV("inject.istio.io/templates", "gateway,"+spireTemplateName)
	y.Fixed()
}

// spireStatistic makes proxies export whether they have the agent.
func (e *emitter) spireStatistic(y *artifact.YAML) {
	s := e.spire()
	if s == nil {
		return
	}
	y.From("", e.p.Mesh.CA.From...)
	y.Comment("Besides what proxies export by themselves: whether each has SPIRE's agent.")
	y.Map("proxyStatsMatcher", func() { y.KV("inclusionPrefixes", []string{s.Connections}) })
}
