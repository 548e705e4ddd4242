package rules

import (
	"net/netip"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// ciliumEncryptionRules are about what encrypts packets between nodes, and what it does not give.
var ciliumEncryptionRules = []*check.Rule{
	EncryptionUnread,
	CiliumIPsecStrict,
	CiliumIPsecFilter,
	CiliumIPsecKeys,
	CiliumIPsecOverlap,
	CiliumIPsecEgress,
	CiliumZtunnel,
	ZtunnelAlone,
	ZtunnelTold,
	ZtunnelBeta,
	ZtunnelStrict,
	ZtunnelPlain,
	CiliumSPIRE,
	CiliumSPIREEnds,
	CiliumSPIREUnasked,
	CiliumSPIREPast,
}

// ClusterMeshEncryption finds two sites of a Cluster Mesh that cannot read each other's packets.
var ClusterMeshEncryption = &check.Rule{
	ID: "MG5564", Name: "cluster-mesh-encryption", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites of one Cluster Mesh encrypt in two ways

Pods of the two sites talk between nodes. A node encrypts for another by what it knows of it: the key of WireGuard, or the
number of its key of IPsec. It knows none of the other kind, and sends in plain text or nothing.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ipsec.rst, key rotation; bpf/lib/ipsec.h
get_min_encrypt_key; bpf/lib/wireguard.h.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n].Mesh.Encrypts(), p.Fleet[other].Mesh.Encrypts()
			if here != "" && there != "" && here != there && n < other {
				p.ReportIn(n, "mesh.encryption", "nodes encrypt by %s here and by %s at site %s", here, there, name).Hintf("mesh: encryption: kind: %q at both, or %q at both", here, there).RelatedIn(other, "mesh.encryption", "what encrypts there")
			}
		})
	},
}

// EncryptionUnread finds a choice of encryption that nothing reads.
var EncryptionUnread = &check.Rule{
	ID: "MG5560", Name: "encryption-unread", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `encryption between nodes is chosen, and the mesh does not encrypt between nodes, or not so

Whoever wrote it believes that packets are encrypted, by a key that he made. Of the meshes Cilium alone encrypts between
nodes: the others do between proxies, by mutual TLS. Only IPsec has keys of a Secret, and only ztunnel takes in namespaces.
Source: cilium/cilium v1.20.2 install/kubernetes/cilium/values.yaml, encryption.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		e := m.Encryption
		switch {
		case e == nil:
		case m.Kind != "cilium":
			p.Reportf("mesh.encryption", "mesh %s does not encrypt between nodes: nothing reads mesh.encryption", m.Kind).
				Related("mesh.kind", "the mesh").Hintf(`leave it out, or kind: "cilium"`)
		case e.Kind != "ztunnel" && len(e.Namespaces) > 0:
			p.Reportf("mesh.encryption.namespaces", "%s encrypts between all nodes: it enrolls no namespaces", e.Kind).Related("mesh.encryption.kind", "what encrypts").Hintf("leave it out")
		}
		if e != nil && m.Kind == "cilium" && e.Kind != "ipsec" {
			if e.Secret != "" {
				p.Reportf("mesh.encryption.secret", "%s makes no key of Secret %q", e.Kind, e.Secret).Related("mesh.encryption.kind", "what encrypts").Hintf("leave it out")
			}
			if e.KeyOverlap != "" {
				p.Reportf("mesh.encryption.keyOverlap", "%s has no keys that are changed by hand", e.Kind).Related("mesh.encryption.kind", "what encrypts").Hintf("leave it out")
			}
		}
	},
}

// CiliumIPsecStrict finds strictness of which IPsec gives half, or nothing.
var CiliumIPsecStrict = &check.Rule{
	ID: "MG5561", Name: "cilium-ipsec-strict", Severity: diag.Error, On: check.OnSite,
	Doc: `mutual TLS is strict, and with IPsec it is the sender alone who holds to it

A node drops what would leave for a pod of another node in plain text. What comes in plain text with the address of such a pod
it takes: agents do not start with IPsec and strict mode of the receiver. Whoever can send packets with addresses of pods, or
of nodes in a tunnel, between the nodes is taken for any caller. And the sender's side knows version 4 alone: with pods of
version 6 only, nothing would be strict.
Source: cilium/cilium v1.20.2 daemon/cmd/daemon.go, bpf/lib/encrypt.h, Documentation/security/network/encryption.rst.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Encrypts() != "ipsec" || s.Mesh.MTLS != "strict" {
			return
		}
		four, six := -1, -1
		for i, c := range s.Kubernetes.PodCIDRs {
			if n, err := netip.ParsePrefix(c); err == nil && n.Addr().Is4() {
				four = i
			} else if err == nil {
				six = i
			}
		}
		const at, encryption = "mesh.mtls", "mesh.encryption.kind"
		switch {
		case four < 0 && six >= 0:
			p.Reportf(at, "mutual TLS is strict, and with IPsec and pods of version 6 nothing would be: no side drops what is in plain text").
				Related("kubernetes.podCIDRs."+site.Index(six), "the pods").Related(encryption, "what encrypts").Hintf(`encryption: kind: "wireguard", or mtls: "permissive"`)
		case six >= 0:
			p.Reportf(at, "mutual TLS is strict, and with IPsec senders alone hold to it, for packets of version 4: nodes take what comes in plain text").
				Related("kubernetes.podCIDRs."+site.Index(six), "what nobody holds to it").Related(encryption, "what encrypts").Hintf(`encryption: kind: "wireguard"`).Warning()
		default:
			p.Reportf(at, "mutual TLS is strict, and with IPsec senders alone hold to it: nodes take what comes in plain text").
				Related(encryption, "what encrypts").Hintf(`encryption: kind: "wireguard"`).Warning()
		}
	},
}

// CiliumIPsecFilter finds a packet filter that would drop what IPsec sends.
var CiliumIPsecFilter = &check.Rule{
	ID: "MG5562", Name: "cilium-ipsec-filter", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `edge nodes filter what comes in, and their filter cannot let IPsec through

Packets of ESP are a protocol of their own, number 50, without ports. Talos writes its filter itself and knows TCP and UDP
alone: edge nodes would lose all pods of other nodes.
Source: cilium/cilium v1.20.2 Documentation/operations/system_requirements.rst, firewall rules; Talos 1.12 NetworkRuleConfig.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Encrypts() == "ipsec" && s.Fabric.HostFirewall && s.Kubernetes.Distribution == "talos" {
			p.Reportf("fabric.hostFirewall", "Talos' filter knows TCP and UDP alone, and would drop ESP between the nodes").
				Related("mesh.encryption.kind", "what sends it").Hintf(`encryption: kind: "wireguard", or leave fabric.hostFirewall out`)
		}
	},
}

// CiliumIPsecKeys says what IPsec does not give.
var CiliumIPsecKeys = &check.Rule{
	ID: "MG5563", Name: "cilium-ipsec-keys", Severity: diag.Note, On: check.OnSite,
	Doc: `in production nodes encrypt by IPsec, with keys that are all made of one Secret

Whoever reads that Secret can make the key of each pair of nodes, of former packets too: there is no exchange that would
forget it. It proves no workload's identity, and nothing is encrypted inside of a node. One core of a node decrypts all that
comes from one other. Nobody renews the key by itself. WireGuard has a key a node that never leaves it, and changes those of
sessions.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ipsec.rst, limitations; pkg/datapath/linux/ipsec
computeNodeIPsecKey; bpf/lib/ipsec.h.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Encrypts() == "ipsec" && p.Site.Environment == "production" {
			p.Reportf("mesh.encryption.kind", "all keys between nodes are made of one Secret, which nobody renews by itself").Hintf("a day for it each quarter: the runbook has the steps")
		}
	},
}

// ipsecKeySpread is how long a changed Secret may take to all nodes: kubelets look at their volumes every minute, and may
// have the Secret of a minute before (kubernetes.io, Secrets, mounted Secrets are updated automatically).
const ipsecKeySpread = 2 * time.Minute

// CiliumIPsecOverlap finds a former key that goes before the new one is everywhere.
var CiliumIPsecOverlap = &check.Rule{
	ID: "MG5849", Name: "cilium-ipsec-overlap", Severity: diag.Error, On: check.OnSite,
	Doc: `nodes drop the former key of IPsec before all others have the new one

A kubelet brings a changed Secret to its node within two minutes. A node that has the new key takes the former one for
keyOverlap more: when that is over sooner, packets of nodes that have the former alone are dropped until theirs come too.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ipsec.rst, key rotation; kubernetes.io, Secrets.`,
	Run: func(p *check.Pass) {
		e := p.Site.Mesh.Encryption
		if p.Site.Mesh.Encrypts() != "ipsec" || e == nil || e.KeyOverlap == "" || site.ParseDuration(e.KeyOverlap) >= ipsecKeySpread {
			return
		}
		p.Reportf("mesh.encryption.keyOverlap", "the former key is taken for %s, and the new one may need %d minutes to all nodes", e.KeyOverlap, ipsecKeySpread/time.Minute).
			Hintf(`keyOverlap: "5m", Cilium's own; or leave it out`)
	},
}

// CiliumIPsecEgress finds packets between nodes that IPsec does not encrypt.
var CiliumIPsecEgress = &check.Rule{
	ID: "MG5567", Name: "cilium-ipsec-egress", Severity: diag.Warning, On: check.OnSite,
	Doc: `pods are routed natively, and what they send by an egress gateway is in plain text between nodes

What goes to a node with a fixed source address goes there in a tunnel. IPsec takes packets of a tunnel where all pods are
behind one, and otherwise packets of pods alone: those of this tunnel are the node's. WireGuard takes both.
Source: cilium/cilium v1.20.2 bpf/lib/ipsec.h ipsec_maybe_redirect_to_encrypt, bpf/lib/wireguard.h, bpf/bpf_host.c
cil_to_netdev; pkg/datapath/linux/config/config.go, TUNNEL_MODE.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Encrypts() != "ipsec" || s.Kubernetes.CNI.Encapsulation != "none" {
			return
		}
		for name, g := range byKey(s.EgressGateways) {
			if g.Provider == "cilium" {
				p.Reportf(site.Join("egressGateways", name), "what pods send by egress gateway %q is in plain text between their node and its own", name).
					Related("mesh.encryption.kind", "what does not encrypt it").Related("kubernetes.cni.encapsulation", "with a tunnel it would be")
			}
		}
	},
}

// EncryptionChanged finds another encryption under nodes that exchange packets.
var EncryptionChanged = &check.Rule{
	ID: "MG5566", Name: "encryption-changed", Severity: diag.Warning, On: check.OnPlan, Against: true,
	Doc: `one encryption between nodes takes the place of another in one change

Agents restart one after the other. Until the last one has, a node encrypts for those of its kind alone: pods of two kinds of
nodes exchange plain text, or nothing where mutual TLS is strict. Another Secret is another key under the same number, and
nodes drop what they cannot read.
Source: cilium/cilium v1.20.2 bpf/lib/encrypt.h strict_allow, bpf/lib/ipsec.h get_min_encrypt_key, pkg/datapath/linux/ipsec
loadIPSecKeys.`,
	Run: func(p *check.Pass) {
		was, is := ciliumSettings(p.Before), ciliumSettings(p.Plan)
		switch {
		case was.Encryption == "" || is.Encryption == "":
		case was.Encryption != is.Encryption:
			p.Reportf("mesh.encryption", "nodes that have restarted encrypt by %s, and all others by %s: their pods do not reach each other, or in plain text", is.Encryption, was.Encryption).
				Hintf(`a window without traffic; with mtls: "permissive" before it, packets pass in plain text instead of none`)
		case was.IPsec != nil && was.IPsec.Secret != is.IPsec.Secret:
			p.Reportf("mesh.encryption.secret", "nodes that have restarted make their keys of Secret %q, and all others of %q", is.IPsec.Secret, was.IPsec.Secret).
				Hintf("copy the former Secret first: the same line under another name changes no key")
		}
	},
}

// ciliumSettings are the values of a plan's pod network, none where it installs no Cilium.
func ciliumSettings(p *ir.Plan) ir.CiliumSettings {
	if p.Cilium == nil || p.Cilium.Settings == nil {
		return ir.CiliumSettings{}
	}
	return *p.Cilium.Settings
}
