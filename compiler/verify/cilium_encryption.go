package verify

import (
	"cmp"
	"net/netip"
	"slices"
)

// ciliumEncryptionFlows are the packets between nodes that a kind of encryption makes, as flows.csv names them: WireGuard's
// port of Cilium 1.20.2 (pkg/wireguard/types), and protocol 50.
var ciliumEncryptionFlows = map[string]flowRow{
	"wireguard": {protocol: "udp", port: 51871},
	"ipsec":     {protocol: "esp"},
}

// ciliumEncryption returns the values of a chart of Cilium's under encryption, and nil where it encrypts nothing.
func ciliumEncryption(v *values) any {
	if enc := get(v.value, "encryption"); get(enc, "enabled") == true {
		return enc
	}
	return nil
}

// checkCiliumEncryption: agents start with what encrypts, nothing says strict that is not, and filters let the packets
// through. Source: cilium/cilium v1.20.2 daemon/cmd/daemon.go, pkg/option/config.go, read 2026-11-21.
func (p *pass) checkCiliumEncryption(v *values) {
	enc := ciliumEncryption(v)
	kind := str(enc, "type")
	strict := get(v.value, "encryption", "strictMode")
	if get(strict, "ingress", "enabled") == true && kind != "wireguard" {
		v.report(p, ruleValues, fieldPath{"encryption", "strictMode"}, "the receiver's side of strict mode needs WireGuard: without it every packet is dropped, or no agent starts")
	}
	if get(strict, "egress", "enabled") == true {
		n, err := netip.ParsePrefix(str(strict, "egress", "cidr"))
		if err != nil || !n.Addr().Is4() || enc == nil {
			v.report(p, ruleValues, fieldPath{"encryption", "strictMode", "egress"}, "the sender's side of strict mode is of one network of version 4, and %q is none, or nothing encrypts", str(strict, "egress", "cidr"))
		}
	}
	if enc == nil {
		return
	}
	if ciliumEncryptionFlows[kind].protocol == "" && kind != "ztunnel" { // which sends from pod to pod
		v.report(p, ruleValues, fieldPath{"encryption", "type"}, "%q encrypts nothing that the tree is about", kind)
	}
	p.checkEncryptionFlows(v, kind)
	if kind != "ipsec" {
		return
	}
	if get(v.value, "l7Proxy") != false && get(v.value, "dnsProxy", "enableTransparentMode") != true {
		v.report(p, ruleValues, fieldPath{"dnsProxy", "enableTransparentMode"}, "no agent starts with IPsec and a proxy for names that sends under an address of its own")
	}
	if get(v.value, "hostFirewall", "enabled") == true {
		v.report(p, ruleValues, fieldPath{"hostFirewall", "enabled"}, "no agent starts with IPsec and Cilium's own filter of hosts")
	}
	if get(v.value, "bpf", "hostLegacyRouting") != true {
		v.report(p, ruleValues, fieldPath{"bpf", "hostLegacyRouting"}, "past the host's routing some kernels drop what IPsec has decrypted")
	}
}

// checkEncryptionFlows: flows.csv has the packets of the kind between nodes, and of no other.
func (p *pass) checkEncryptionFlows(v *values, kind string) {
	f := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.csv")
	if f == nil {
		return
	}
	for _, k := range sortedKeys(ciliumEncryptionFlows) {
		want, there := ciliumEncryptionFlows[k], false
		for _, row := range p.flows(f) {
			there = there || row.area == "nodes" && row.protocol == want.protocol && row.port == want.port
		}
		if there != (k == kind) {
			v.report(p, ruleValues, fieldPath{"encryption", "type"}, "nodes encrypt by %s, and whether filters let through what %s sends between nodes: %t", kind, k, there)
		}
	}
}

// ipsecSecrets is the Secret that agents mount for IPsec (templates/cilium-agent/daemonset.yaml of Cilium 1.20.2). Where the
// chart is told none, it has a name of its own.
func (p *pass) ipsecSecrets() (out []SecretRef) {
	makers := p.secretMakers()
	for _, name := range sortedKeys(p.releases.Charts) {
		chart, v := p.releases.Charts[name], p.values[name]
		if v == nil || chart.Name != "cilium" || str(ciliumEncryption(v), "type") != "ipsec" {
			continue
		}
		keys := get(ciliumEncryption(v), "ipsec")
		secret := cmp.Or(str(keys, "secretName"), "cilium-ipsec-keys")
		out = append(out, SecretRef{Namespace: chart.Namespace, Name: secret, Keys: []string{cmp.Or(str(keys, "keyFile"), "keys")},
			By: "DaemonSet " + chart.Namespace + "/cilium", MadeBy: makers[chart.Namespace+"/"+secret], First: true})
	}
	return out
}

// ciliumModes are the words of agents for encryption whose keys somebody makes (api/v1/models/encryption_status.go of Cilium
// 1.20.2).
var ciliumModes = map[string]string{"ipsec": "IPsec", "ztunnel": "Ztunnel"}

// expectedEncryption: what the agents are asked for is what the chart turns on.
func (p *pass) expectedEncryption() {
	var kind, mode string
	for _, name := range sortedKeys(p.releases.Charts) {
		if v := p.values[name]; v != nil && p.releases.Charts[name].Name == "cilium" {
			kind = str(ciliumEncryption(v), "type")
			mode = ciliumModes[kind]
		}
	}
	switch e := p.expected.Encryption; {
	case e == nil && mode != "":
		p.unexpected("nodes encrypt by %s, and nobody asks the agents for it", kind)
	case e != nil && kind == "ztunnel" && (e.Label != ztunnelLabel+"=true" || e.DaemonSet != ztunnelDaemons || !slices.Equal(e.Namespaces, p.enrolledNamespaces())):
		p.unexpected("the namespaces with label %s are asked for as %v by %q, with DaemonSet %q, and the tree enrolls %v", ztunnelLabel, e.Namespaces, e.Label, e.DaemonSet, p.enrolledNamespaces())
	case e != nil && (e.Kind != kind || e.Mode != mode):
		p.unexpected("agents are asked for encryption %q by the word %q, and the chart turns on %q", e.Kind, e.Mode, kind)
	}
}
