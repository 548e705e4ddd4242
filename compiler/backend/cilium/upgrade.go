package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// upgrade writes the values that only steps of an upgrade take: those of the chart's own look ahead, which wants to be
// installed apart and with nothing else (cilium/cilium v1.20.2 Documentation/operations/upgrade.rst, read 2026-11-21), and
// what keeps the proxies as they are while agents change.
func upgrade(p *ir.Plan, t *artifact.Tree, s *ir.CiliumSettings) {
	if p.Upgrade == nil || p.CiliumMesh == nil {
		return
	}
	for _, v := range p.Upgrade.Values {
		y := backend.UpgradeValues(p, t, v)
		y.From("", v.Release.From...)
		if v.Release.Name == "cilium" {
			y.Comment("A pod of the proxies gets the new release when it is deleted: not in this step.")
			y.Map("envoy", func() {
				y.Map("updateStrategy", func() { y.KV("type", "OnDelete") })
			})
			continue
		}
		y.Map("preflight", func() { y.KV("enabled", true) })
		y.KV("agent", false)
		y.Map("operator", func() { y.KV("enabled", false) })
		if s.ReplacesKubeProxy {
			y.From("", s.From.Of("address", "hostname", "port", "mode")...)
			y.Comment("There is no kube-proxy to make the API server's Service reachable.")
			y.KV("k8sServiceHost", s.APIHost)
			y.KV("k8sServicePort", s.APIPort)
		}
		y.Fixed()
		y.Settle()
	}
}
