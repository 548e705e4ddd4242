package lower

import (
	"cmp"

	"meshgen.dev/meshgen/compiler/ir"
)

// Encryption of Cilium between nodes, by the names of the chart.
const (
	byWireGuard = "wireguard"
	byIPsec     = "ipsec"
	byZtunnel   = "ztunnel"
)

// What IPsec of Cilium needs and shows (cilium/cilium v1.20.2 Documentation/security/network/encryption-ipsec.rst,
// install/kubernetes/cilium/values.yaml, pkg/datapath/linux/ipsec, read 2026-11-21).
const (
	// ipsecKeys is the Secret that the chart mounts where it is told no other, and ipsecKey the file in it.
	ipsecKeys = "cilium-ipsec-keys"
	ipsecKey  = "keys"
	// espProtocol is ESP by its name among protocols (number 50): the packets between nodes.
	espProtocol = "esp"
	// ipsecErrors counts what the kernel drops while it encrypts and decrypts, ipsecInUse the keys of a node.
	ipsecErrors = "cilium_ipsec_xfrm_error"
	ipsecInUse  = "cilium_ipsec_keys"
)

// encrypts is what encrypts packets between nodes, and "" where nothing of the tree does.
func (l *lowering) encrypts() string {
	if !l.installsCilium() {
		return ""
	}
	return l.s.Mesh.Encrypts()
}

// encryptionFrom are the site paths that choose between kinds of encryption, besides the mesh.
func (l *lowering) encryptionFrom() ir.From {
	if l.s.Mesh.Encryption == nil {
		return nil
	}
	return ir.From{"mesh.encryption"}
}

// ipsecSettings decides what IPsec reads.
func (l *lowering) ipsecSettings(s *ir.CiliumSettings) {
	if s.Encryption != byIPsec {
		return
	}
	e := l.s.Mesh.Encryption
	s.IPsec = &ir.CiliumIPsec{Secret: cmp.Or(e.Secret, ipsecKeys), Key: ipsecKey, Overlap: e.KeyOverlap, From: ir.From{"mesh.encryption", "mesh.kind"}}
}

// ipsecSecret is what all keys are made of. The agents mount it: without it no node has a pod network.
func (l *lowering) ipsecSecret() {
	if l.p.Cilium == nil || l.p.Cilium.Settings == nil || l.p.Cilium.Settings.IPsec == nil {
		return
	}
	x := l.p.Cilium.Settings.IPsec
	why := "What all keys of IPsec are made of, in one line: a number of 1 to 15 with a plus sign, the algorithm, 20 random bytes, the length of the proof. " +
		"Whoever reads it can read all packets between nodes. Without it no agent starts, and no pod has a network."
	from := append(x.From[:len(x.From):len(x.From)], "components.cni.managed")
	if f := l.p.Federation; f != nil {
		why += " All sites of the federation have the same."
		from = append(from, f.From...)
	}
	l.secret(ir.Secret{
		Namespace: ciliumNamespace, Name: x.Secret, Type: opaque, Keys: []string{x.Key}, Consumers: []string{"DaemonSet " + ciliumNamespace + "/cilium"},
		Make: ipsecLine("1") + " > " + x.Key, Creator: ir.ByHand, First: true, Why: why, From: from,
	})
}

// ipsecLine is the command that prints what the Secret holds, with a new key of a number. 20 bytes are a key of AES-128 and
// the salt of its nonce (RFC 4106, section 8.1).
func ipsecLine(number string) string {
	return `printf '` + number + `+ rfc4106(gcm(aes)) %s 128\n' "$(openssl rand -hex 20)"`
}

// encryptedFlows: packets of the kernel's own between nodes. The tunnel of the pod network is inside of them, and comes out
// of them on its own port.
func (l *lowering) encryptedFlows(from ir.From, nodes ir.FlowEnd) {
	if l.encrypts() != byIPsec {
		return
	}
	l.flow(ir.Flow{Area: ir.NodeArea, From: nodes, To: nodes, Protocol: espProtocol, Why: "pod network cilium: IPsec", Note: "protocol number 50"},
		from, ir.From{"kubernetes.cni", "mesh.kind", "mesh.encryption", "components.cni.managed"})
}

// ipsecRules watch what the kernel drops, and whether each pair of nodes has keys of its own: two for each other node and
// family. The counters are served as gauges, which are what the kernel has counted since it started.
func (l *lowering) ipsecRules() []ir.Rule {
	if l.encrypts() != byIPsec {
		return nil
	}
	from := ir.From{"kubernetes.cni", "components.cni.managed", "mesh.kind", "mesh.encryption"}
	return []ir.Rule{{
		Alert: "IPsecDrops", Severity: warning, For: "15m", From: from,
		Expr:        `sum by (node, type, error) (rate(` + ipsecErrors + `{error!="forward_header"}[5m])) > 0`,
		Summary:     "IPsec on {{ $labels.node }} drops packets: {{ $labels.type }}, {{ $labels.error }}.",
		Description: "no_state: a node has taken away a key that others still use. state_protocol: keys differ under one number, or counters do. policy_blocked: what would have left in plain text. A new key mends the first three.",
	}, {
		Alert: "IPsecKeysMissing", Severity: warning, For: "15m", From: from,
		Expr:        ipsecInUse + ` < 2 * (scalar(count(` + ipsecInUse + `)) - 1)`,
		Summary:     "{{ $labels.node }} has less than two keys of IPsec for each other node.",
		Description: "It does not know some nodes, or has no keys for them, and drops what goes there.",
	}}
}

// ipsecMetrics are those that the rules read.
func (l *lowering) ipsecMetrics() []needed {
	if l.encrypts() != byIPsec {
		return nil
	}
	from := ir.From{"kubernetes.cni", "mesh.kind", "mesh.encryption"}
	return []needed{{ipsecErrors, "the agents of Cilium", from}, {ipsecInUse, "the agents of Cilium", from}}
}
