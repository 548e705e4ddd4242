package lower

import (
	"fmt"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
)

// consulCA is who signs for proxies: what the site says of it, and nil where it says nothing.
func (l *lowering) consulCA() *ir.ConsulCA {
	c := l.s.Mesh.CA
	if c == nil {
		return nil
	}
	out := &ir.ConsulCA{LeafTTL: life(c.WorkloadTTL), Spare: hours(l.workloadSeconds() / 10), From: append(l.p.Mesh.From.Of("kind"), "mesh.ca")}
	if v := c.Vault; v != nil {
		at := keysAt(v.Address, out.From)
		out.Vault = &ir.Vault{
			Address: v.Address, Namespace: v.Namespace, AuthPath: v.AuthPath, Role: v.Role,
			RootPath: v.RootPKIPath, IntermediatePath: v.IntermediatePKIPath, IntermediateTTL: v.IntermediateTTL,
			Account: consulServers, At: *at,
		}
		if v.CASecret != "" {
			out.Vault.CASecret, out.Vault.CAKey = v.CASecret, v.CAKey
			out.Vault.CAFile = strings.Join([]string{consulFiles, v.CASecret, v.CAKey}, "/")
		}
	}
	return out
}

// consulFiles is where the chart mounts further Secrets into the servers, each under its name (hashicorp/consul-k8s v2.0.3,
// charts/consul/templates/server-statefulset.yaml, extraVolumes; read 2026-11-21).
const consulFiles = "/consul/userconfig"

// consulVault is the Vault that signs for proxies of Consul; nil: another authority does.
func (l *lowering) consulVault() *ir.Vault {
	if l.p.Consul == nil || l.p.Consul.CA == nil {
		return nil
	}
	return l.p.Consul.CA.Vault
}

// consulCertificates watch that workload certificates are renewed. A server renews a certificate at some time between three
// fifths and nine tenths of its life (hashicorp/consul v1.22.0 agent/leafcert/util.go, calculateSoftExpiry; read 2026-11-21).
// Envoy's own gauge counts whole days, so that of the last one the alert must wait for what a healthy certificate may stay
// below; of a life of a day the gauge tells nothing.
func consulCertificates(l *lowering) []ir.Rule {
	life, from := l.workloadLife(), l.p.Mesh.From.Of("kind")
	if ca := l.p.Consul.CA; ca != nil {
		from = ca.From
	}
	if life <= 24*time.Hour {
		return nil
	}
	wait := max(24*time.Hour-life/10, 0).Truncate(time.Hour) + time.Hour
	return []ir.Rule{{Alert: "WorkloadCertificateOverdue", Severity: critical, For: fmt.Sprintf("%dh", int(wait.Hours())), Why: "certificates/overdue", From: from,
		Expr:    "envoy_server_days_until_first_cert_expiring < 1",
		Summary: "The certificate of {{ $labels.namespace }}/{{ $labels.pod }} has not been renewed.",
		Description: fmt.Sprintf("It lives %s and is renewed after nine tenths of that at the latest; less than %s are left. When it ends every connection of the pod fails.",
			hours(int(life.Seconds())), hours(int((24*time.Hour - wait).Seconds())))}}
}

// workloadLife is how long the certificate of a proxy of Consul lives.
func (l *lowering) workloadLife() time.Duration {
	return time.Duration(l.workloadSeconds()) * time.Second
}

// hours writes a number of seconds in hours, a short one in minutes.
func hours(seconds int) string {
	d := time.Duration(seconds) * time.Second
	if d < time.Hour && d > 0 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Minutes()), ".0") + " min"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Hours()), ".0") + " h"
}

// vaultSecret is the authority of Vault's own certificate.
func (l *lowering) vaultSecret() {
	v := l.consulVault()
	if v == nil || v.CASecret == "" {
		return
	}
	l.secret(ir.Secret{Namespace: l.p.Mesh.Namespace, Name: v.CASecret, Type: opaque, Keys: []string{v.CAKey},
		Consumers: []string{"chart consul"}, From: l.p.Consul.CA.From,
		Why: "Certificate of the authority by which the servers know Vault. It is no secret, and the servers do not start without it."})
}

// vaultFlows: the servers to Vault, and Vault to the API servers, which it asks whose token it was shown.
func (l *lowering) vaultFlows() {
	v := l.consulVault()
	if v == nil {
		return
	}
	from, reads := l.p.Consul.CA.From, append(ir.From{"kubernetes"}, machinesFrom...)
	vault := ir.FlowEnd{Name: "Vault", Hosts: v.At.Hosts, Addresses: v.At.Addresses}
	source := l.allNodes()
	source.Name, source.Nodes = "control plane of the mesh", nil
	l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: vault, Protocol: "tcp", Port: v.At.Ports[0].Port, Why: "certificates that Vault signs",
		Note: "leaves with the address of the pod's node"}, reads, from)
	for _, f := range l.p.Flows {
		if f.Why == apiUse && f.Area == ir.NodeArea {
			l.flow(ir.Flow{Area: ir.OutsideArea, From: vault, To: f.To, Protocol: "tcp", Port: f.Port, Why: apiUse + ": whose token a login shows"}, reads, from, l.p.Cluster.APIServerFrom)
		}
	}
}
