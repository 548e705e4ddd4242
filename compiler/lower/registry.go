package lower

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// registry takes images and charts from the site's registry. An image keeps its path and loses the name of its own
// registry; charts stand side by side under the one that the site names.
func (l *lowering) registry() {
	r := l.s.Registry
	if r == nil && !l.s.AirGapped {
		return
	}
	p := &ir.Registry{Closed: l.s.AirGapped, From: ir.From{"registry", "airGapped"}}
	l.p.Registry = p
	if r == nil {
		return // a rule refuses it
	}
	for i := range l.p.Releases {
		l.mirrorRelease(&l.p.Releases[i], l.ciliumImages(l.p.Releases[i].Chart, registryCharts[l.p.Releases[i].Chart]))
	}
	for i := range l.p.Gateways {
		if g := &l.p.Gateways[i]; g.Program.Kind != "" {
			g.PullSecret = r.PullSecret
			if r.Images != "" {
				g.Image = l.image(envoyImage)
			}
			l.pullSecret(g.Namespace, "EnvoyProxy "+g.Namespace+"/"+g.Parameters.Name)
		}
	}
	l.linkerdGatewayImage()
	if l.p.Mesh.ImageHub != "" {
		l.copyOf("images", l.p.Mesh.ImageHub, l.image(l.p.Mesh.ImageHub), l.p.Mesh.Version)
		l.p.Mesh.ImageHub = l.image(l.p.Mesh.ImageHub)
		if n := l.p.Mesh.Next; n != nil {
			l.copyOf("images", n.ImageHub, l.image(n.ImageHub), n.Version)
			n.ImageHub = l.image(n.ImageHub)
		}
	}
	if l.p.KubeVIP != nil || l.s.Kubernetes.APIServer.Provider == "kube-vip" {
		l.copyOf("images", l.kubeVIPUpstream(), l.kubeVIPImage(), "")
	}
	if k := l.p.KubeVIP; k != nil && r.PullSecret != "" { // a static pod cannot refer to a Secret
		k.PullSecret = r.PullSecret
		for i := range k.Speakers {
			l.pullSecret(l.p.LoadBalancer.Namespace, "DaemonSet "+l.p.LoadBalancer.Namespace+"/"+k.Speakers[i].Name)
		}
	}
	l.hostPodsImage()
	if f := l.p.Federation; f != nil && r.Images != "" && (l.p.Linkerd != nil || l.p.Cilium != nil) && l.p.CallsAway() {
		f.LookImage = l.image(lookImage)
		l.copyOf("images", lookImage, f.LookImage, "")
	}
	p.Hosts = union(p.Hosts, l.ownHosts())
	slices.Sort(p.Hosts)
}

// mirrorRelease takes one chart and its images from the registry, where the site has one.
func (l *lowering) mirrorRelease(rel *ir.Release, table chartImages) {
	r := l.s.Registry
	if r == nil {
		return
	}
	from := append(rel.From[:len(rel.From):len(rel.From)], "registry")
	rel.From = from
	if r.Charts != "" {
		l.copyOf("chart", strings.TrimSuffix(rel.Repository, "/")+"/"+rel.Chart, r.Charts+"/"+rel.Chart, rel.Version)
		rel.Repository = r.Charts
	}
	if r.Images != "" {
		if table.host != "" {
			rel.Images = append(rel.Images, ir.ChartValue{Key: table.host, Text: r.Images, From: from})
		}
		for _, i := range table.images {
			l.copyOf("images", i.image, l.image(i.image), "")
			if i.key != "" {
				rel.Images = append(rel.Images, ir.ChartValue{Key: i.key, Text: l.image(i.image), From: from})
			}
		}
	}
	if table.pull != "" && r.PullSecret != "" {
		rel.Images = append(rel.Images, ir.ChartValue{Key: table.pull, List: []string{r.PullSecret}, Named: table.named, From: from})
		l.pullSecret(rel.Namespace, "chart "+rel.Name)
	}
}

// image is an image in the site's registry.
func (l *lowering) image(upstream string) string {
	r := l.s.Registry
	if r == nil || r.Images == "" {
		return upstream
	}
	if host, rest, ok := strings.Cut(upstream, "/"); ok && strings.ContainsAny(host, ".:") {
		upstream = rest
	}
	return r.Images + "/" + upstream
}

func (l *lowering) copyOf(kind, upstream, here, version string) {
	p := l.p.Registry
	c := ir.Copy{Kind: kind, Upstream: upstream, Here: here, Version: version, From: p.From}
	if upstream == here {
		return
	}
	at, there := slices.BinarySearchFunc(p.Copies, c, func(a, b ir.Copy) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Version, b.Version))
	})
	if !there {
		p.Copies = slices.Insert(p.Copies, at, c)
	}
}

// pullSecret notes who reads the credentials of the registry.
func (l *lowering) pullSecret(namespace, consumer string) {
	r := l.s.Registry
	if r == nil || r.PullSecret == "" {
		return
	}
	l.secret(ir.Secret{Namespace: namespace, Name: r.PullSecret, Type: "kubernetes.io/dockerconfigjson", Keys: []string{".dockerconfigjson"}, Consumers: []string{consumer},
		Why:  "Credentials of " + cmp.Or(r.Images, r.Charts) + ". Without it no image is pulled. Pods with a proxy of the mesh need it in their own namespace as well, in their ServiceAccount.",
		From: ir.From{"registry", "mesh", "loadBalancer", "gateways", "kubernetes"}})
}

// ownHosts are the names that output of a closed site may refer to.
func (l *lowering) ownHosts() []string {
	var out []string
	add := func(text string) {
		if !strings.Contains(text, "://") {
			text = "oci://" + text
		}
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" && !slices.Contains(out, u.Hostname()) {
			out = append(out, u.Hostname())
		}
	}
	for _, text := range []string{l.s.Registry.Images, l.s.Registry.Charts, l.s.Delivery.Repository} {
		if text != "" {
			add(text)
		}
	}
	for _, g := range l.p.Gateways {
		for _, li := range g.Listeners {
			for _, h := range li.Hosts {
				if h.Host != "" {
					add(strings.TrimPrefix(h.Host, "*."))
				}
			}
		}
	}
	for i := range l.p.Externals {
		for _, h := range l.p.Externals[i].Hosts {
			add(strings.TrimPrefix(h, "*."))
		}
	}
	for _, ns := range byKey(l.s.Namespaces) {
		for _, s := range byKey(ns.Services) {
			if s.JWT != nil { // of a closed site's own people
				add(s.JWT.Issuer)
				add(s.JWT.JWKSURI)
			}
		}
	}
	if ca := l.s.Mesh.CA; ca != nil && ca.Vault != nil {
		add(ca.Vault.Address)
	}
	return out
}
