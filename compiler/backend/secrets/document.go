package secrets

import (
	"cmp"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// document writes SECRETS.md: the table first, then what each creator needs, then how to look.
func document(p *ir.Plan, t *artifact.Tree) {
	m := backend.Document(p, t, "SECRETS.md", "Secrets of "+p.Name, blocks(p)...)
	m.Text("This tree holds names of Secrets and never a value. [secrets.json](secrets.json) has the same list for programs.")
	if len(p.Secrets) == 0 {
		m.Text("The site needs none.")
		machines(m, p)
		return
	}
	m.Head("namespace", "name", "type", "keys", "read by", "made by")
	for i := range p.Secrets {
		s := &p.Secrets[i]
		m.From(s.From...)
		m.Row(code(s.Namespace), code(s.Name), code(s.Type), codes(s.Keys), consumers(s.Consumers), maker(s))
	}
	m.Fixed()
	m.Heading("What each is for")
	var items []string
	for i := range p.Secrets {
		s := &p.Secrets[i]
		items = append(items, code(s.Namespace+"/"+s.Name)+": "+s.Why)
	}
	m.Items(items...)
	fromStore(m, p)
	fromIssuer(m, p)
	byHand(m, p)
	machines(m, p)
	m.Heading("Look whether all are there")
	m.Text("Every line must print the keys and no error. The last word of a line is the Secret's type.")
	var look []string
	for i := range p.Secrets {
		s := &p.Secrets[i]
		look = append(look, `kubectl -n `+s.Namespace+` get secret `+s.Name+` -o go-template='{{range $k, $v := .data}}{{$k}} {{end}}{{.type}}{{"\n"}}'`)
	}
	m.Commands(look...)
}

// made returns the Secrets of one creator.
func made(p *ir.Plan, creator string) []*ir.Secret {
	var out []*ir.Secret
	for i := range p.Secrets {
		if p.Secrets[i].Creator == creator {
			out = append(out, &p.Secrets[i])
		}
	}
	return out
}

func fromStore(m *backend.Markdown, p *ir.Plan) {
	secrets := made(p, ir.ExternalSecrets)
	if len(secrets) == 0 {
		return
	}
	m.Heading("From the store")
	m.From("secrets")
	m.Text("The External Secrets operator and its ClusterSecretStore " + code(secrets[0].Store) + " are relied on: install them first, with the CRDs of external-secrets.io/v1. " +
		"A Secret's key in the store is the site's prefix, then namespace/name. Each key of the Secret is a property of that entry.")
	m.Fixed()
	m.Head("key in the store", "properties", "makes")
	for _, s := range secrets {
		m.From(s.From...)
		m.Row(code(s.RemoteKey), codes(s.Keys), code(s.Namespace+"/"+s.Name))
	}
	m.Fixed()
	m.Text("Wait for them before the phase " + code(string(backend.LoadBalancer)) + ":")
	var wait []string
	for _, s := range secrets {
		wait = append(wait, "kubectl -n "+s.Namespace+" wait --for=condition=Ready --timeout=120s externalsecret/"+s.Name)
	}
	m.Commands(wait...)
	m.Text("Fetch a changed value at once, not within the hour:")
	var sync []string
	for _, s := range secrets {
		sync = append(sync, "kubectl -n "+s.Namespace+` annotate externalsecret `+s.Name+` force-sync="$(date +%s)" --overwrite`)
	}
	m.Commands(sync...)
}

func fromIssuer(m *backend.Markdown, p *ir.Plan) {
	secrets := made(p, ir.CertManager)
	if len(secrets) == 0 {
		return
	}
	m.Heading("From cert-manager")
	m.Text("cert-manager and its issuers are relied on. It makes the Secret and renews it at two thirds of its life.")
	m.Head("Certificate", "ClusterIssuer")
	for _, s := range secrets {
		m.From(s.From...)
		m.Row(code(s.Namespace+"/"+certificate(s)), issuer(s))
	}
	m.Fixed()
	var wait []string
	for _, s := range secrets {
		wait = append(wait, "kubectl -n "+s.Namespace+" wait --for=condition=Ready --timeout=300s certificate/"+certificate(s))
	}
	m.Commands(wait...)
}

func byHand(m *backend.Markdown, p *ir.Plan) {
	secrets := made(p, ir.ByHand)
	if len(secrets) == 0 {
		return
	}
	m.Heading("By hand")
	var first, later []*ir.Secret
	for _, s := range secrets {
		if s.First {
			first = append(first, s)
		} else {
			later = append(later, s)
		}
	}
	if len(first) > 0 {
		m.Text("Make these before anything else, when the API server answers: the pod network waits for them." + files)
		m.Commands(creation(first)...)
	}
	if len(later) > 0 {
		m.Text("The site names no store. Make these after the phase " + code(string(backend.Namespaces)) + " and before the phase " + code(string(backend.LoadBalancer)) + "." + files)
		m.Commands(creation(later)...)
	}
}

// files says where the values come from.
const files = " The values are files of yours, named as the keys, in the current folder; delete them afterwards. No newline may end a password."

// creation is the commands that make Secrets out of files.
func creation(secrets []*ir.Secret) []string {
	var out []string
	for _, s := range secrets {
		line := "kubectl -n " + s.Namespace + " create secret generic " + s.Name + " --type=" + s.Type
		for _, k := range s.Keys {
			line += " --from-file=" + k
		}
		if s.Make != "" {
			out = append(out, "(umask 077; "+s.Make+")")
		}
		if len(s.Annotations) > 0 { // whoever reads them looks once, when the Secret appears
			line += " --dry-run=client -o yaml" + local("label", s.Labels) + local("annotate", s.Annotations) + " | kubectl create -f -"
			out = append(out, line)
			continue
		}
		out = append(out, line)
		for _, l := range s.Labels {
			out = append(out, "kubectl -n "+s.Namespace+" label secret "+s.Name+" "+l.Key+"="+l.Value)
		}
	}
	return out
}

// local adds labels or annotations to an object on its way to the API server.
func local(verb string, kvs []ir.KV) string {
	if len(kvs) == 0 {
		return ""
	}
	line := " | kubectl " + verb + " --local -f - -o yaml"
	for _, kv := range kvs {
		line += " " + kv.Key + "=" + kv.Value
	}
	return line
}

func code(s string) string { return "`" + s + "`" }

func codes(in []string) string { return code(strings.Join(in, "`, `")) }

func consumers(in []string) string { return strings.Join(in, ", ") }

func maker(s *ir.Secret) string {
	switch s.Creator {
	case ir.ExternalSecrets:
		return s.Creator + ", store key " + code(s.RemoteKey)
	case ir.CertManager:
		if s.Local {
			return s.Creator + ", " + issuer(s)
		}
		return s.Creator + ", ClusterIssuer " + code(s.Issuer)
	}
	return s.Creator
}

// certificate is the name of a Certificate.
func certificate(s *ir.Secret) string { return cmp.Or(s.Object, s.Name) }

func issuer(s *ir.Secret) string {
	if s.Local {
		return "the tree's Issuer " + code(s.Issuer)
	}
	return code(s.Issuer)
}

// machines writes what the machines in front of the cluster need: it is no Secret of Kubernetes, and nothing in the
// cluster reads it.
func machines(m *backend.Markdown, p *ir.Plan) {
	b := p.Balancers
	if b == nil || b.Password == "" {
		return
	}
	m.From(b.From...)
	m.Heading("On the balancers")
	m.Text("The password of VRRP is no Secret of Kubernetes: it takes the place of the word " + code(b.Password) + " in keepalived.conf of each machine. " +
		"8 characters, for keepalived reads no more; the same on every machine, and used for nothing else: it crosses the network in the clear, and guards against a mistake, not against an attacker.")
	m.Head("machine", "file")
	for _, x := range b.Members {
		m.From(append(x.From[:len(x.From):len(x.From)], b.From...)...)
		m.Row(code(x.Name), code("fabric/"+p.Name+"/"+x.Name+"/etc/keepalived/keepalived.conf"))
	}
	m.Fixed()
}
