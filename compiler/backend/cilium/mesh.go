package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// meshed writes what the mesh of the pod network needs of its chart, or nothing.
func meshed(y *artifact.YAML, s *ir.CiliumSettings) {
	if !s.Meshed {
		return
	}
	y.From("", s.From.Of("kind")...)
	y.Comment("Gateways, and routes between services. It turns on CiliumEnvoyConfig, which Cilium makes of both.")
	y.Map("gatewayAPI", func() {
		y.KV("enabled", s.Gateways)
		y.Comment("Each gateway has a class of its own. Left to itself the chart asks the cluster, and no two renders need be equal.")
		y.Map("gatewayClass", func() { y.KV("create", "false") })
	})
	if s.Listeners {
		y.Map("envoyConfig", func() { y.KV("enabled", true) })
	}
	y.KV("l7Proxy", true)
	y.Map("envoy", func() {
		y.Comment("A DaemonSet of its own: the proxy outlives the agent's restarts.")
		y.KV("enabled", true)
		y.From("", append(s.Envoy.From[:len(s.Envoy.From):len(s.Envoy.From)], s.From.Of("kind")...)...)
		backend.Resources(y, s.Envoy)
		y.Fixed()
		y.KV("rollOutPods", true)
	})
	encryption(y, s)
	spire(y, s.SPIRE)
}

// encryption writes what encrypts packets between nodes.
func encryption(y *artifact.YAML, s *ir.CiliumSettings) {
	if s.Ztunnel != nil {
		ztunnel(y, s)
		return
	}
	y.From("", s.EncryptionFrom...)
	keys, told := "a key a node", "Workloads are told apart by the\nlabels that the agents give to their addresses."
	if s.IPsec != nil {
		keys, told = "keys for each two of them, all made of one Secret", "Workloads\nare told apart by the labels that the agents give to their addresses."
	}
	y.Comment("Packets between nodes, with " + keys + ": it does not say which workload sends. " + told)
	y.Map("encryption", func() {
		y.KV("enabled", true)
		y.KV("type", s.Encryption)
		ipsec(y, s.IPsec)
		if s.IPsec != nil && !s.StrictNetwork.IsValid() {
			return // it has the sender's side alone
		}
		y.Map("strictMode", func() {
			if s.IPsec == nil {
				y.Map("ingress", func() { y.KV("enabled", s.Strict) })
			}
			if !s.StrictNetwork.IsValid() {
				return
			}
			y.Comment("On the sender's side it holds for version 4 alone.")
			y.Map("egress", func() {
				y.KV("enabled", s.Strict)
				y.From("", s.From.Of("podCIDRs", "cni", "mtls")...)
				y.KV("cidr", s.StrictNetwork)
				y.From("", s.From.Of("cni", "racks", "podCIDRs")...)
				y.KV("allowRemoteNodeIdentities", s.StrictLookup)
			})
		})
	})
	y.Fixed()
	names(y, s)
}

// logs writes which requests the agents log, or nothing: those that a proxy has looked at. Headers carry credentials.
func logs(y *artifact.YAML, s *ir.CiliumSettings) {
	if len(s.Logged) == 0 {
		return
	}
	y.From("", s.LoggedFrom...)
	y.Comment("Requests, one line of JSON each, among the agent's own lines: of gateways, and where methods, paths, shares, timeouts\nor retries are declared.")
	backend.Nested(y, []string{"export", "static"}, func() {
		y.KV("enabled", true)
		y.KV("filePath", "stdout")
		y.KV("allowList", s.Logged)
	})
	y.Map("redact", func() {
		y.KV("enabled", true)
		y.Map("http", func() {
			y.KV("userInfo", true)
			backend.Nested(y, []string{"headers"}, func() { y.KV("allow", []string{"x-request-id"}) })
		})
	})
	y.Fixed()
}
