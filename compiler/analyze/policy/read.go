package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Model is what a tree says, ready to be asked.
type Model struct {
	world      World
	mesh       meshValues
	root       string // namespace of mesh-wide objects
	namespaces map[string]map[string]string
	network    []networkPolicy
	peers      []peerAuthentication
	authz      []authorizationPolicy
	tokens     []requestAuthentication
	sidecars   []sidecar
	entries    []serviceEntry
	machines   []workloadEntry
	slices     []endpointSlice
	services   []kubeService // of objects; those of workloads are not in the tree
	virtual    []virtualService
	rules      []destinationRule
	gateways   []gateway
	apiGates   []apiGateway
	routes     []httpRoute
	config     map[string]map[string]string // data of ConfigMaps by "namespace/name"
	releases   map[string]gatewayValues     // values of gateways' charts by path

	linkerd  *Linkerd          // nil: not asked
	consul   *Consul           // nil: not asked
	injected map[string]string // what the annotation of a namespace tells Linkerd

	cilium        []ciliumPolicy
	envoys        []ciliumEnvoy
	ciliumClients []ciliumPolicy          // of all gateways
	ciliumClasses map[string]ciliumClass  // by name
	ciliumConfigs map[string]serviceFacts // parameters of classes by "namespace/name"
	shakesHands   bool                    // agents authenticate pods for each other
}

// meta is the object that a specification was read from.
type meta struct {
	Object
	node *yaml.Node
}

// at returns the object with the line of what a path names below it.
func (m meta) at(path ...any) Object {
	o, n := m.Object, m.node
	for _, step := range path {
		n = child(n, step)
		if n == nil {
			break
		}
		o.Line = n.Line
	}
	return o
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	}
	return nil
}

// head is what every object has.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec json.RawMessage   `json:"spec"`
	Data map[string]string `json:"data"`
}

// Read reads the objects of a tree. The error names the file and line of each thing that is not understood.
func Read(t *artifact.Tree, world World) (*Model, error) {
	m := &Model{world: world, namespaces: map[string]map[string]string{}, config: map[string]map[string]string{}, releases: map[string]gatewayValues{}, injected: map[string]string{},
		ciliumClasses: map[string]ciliumClass{}, ciliumConfigs: map[string]serviceFacts{}}
	var errs []error
	for _, f := range t.Files() {
		if !delivered(f.Path()) {
			continue
		}
		read := m.object
		if path.Base(f.Path()) == "kustomization.yaml" {
			read = kustomization
		}
		if err := documents(f, read); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, m.readValues(t), m.readMeshes(t), m.readCilium(t), m.ztunnelUnderstood())
	return m, errors.Join(errs...)
}

// delivered reports whether a file holds objects that reach the cluster with the tree: those of folders below the phases
// are for people to apply.
func delivered(name string) bool {
	return strings.HasPrefix(name, "kubernetes/") && path.Ext(name) == ".yaml" && strings.Count(name, "/") <= 4
}

// documents calls read for each YAML document of a file.
func documents(f *artifact.File, read func(meta, head) error) error {
	var errs []error
	for dec := yaml.NewDecoder(bytes.NewReader(f.Bytes())); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return errors.Join(errs...)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path(), err)
		}
		root := doc.Content[0]
		var h head
		err = decode(root, &h, false)
		if err == nil {
			o := Object{h.Kind, h.Metadata.Namespace, h.Metadata.Name, f.Path(), root.Line}
			err = read(meta{o, root}, h)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", f.Path(), root.Line, err))
		}
	}
}

// decode reads a node as encoding/json would read the same document; strict refuses unknown fields.
func decode(n *yaml.Node, into any, strict bool) error {
	var v any
	if err := n.Decode(&v); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return unmarshal(text, into, strict)
}

func unmarshal(text []byte, into any, strict bool) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if strict {
		dec.DisallowUnknownFields()
	}
	return dec.Decode(into)
}

// kustomization refuses what would change objects on their way to the cluster.
func kustomization(o meta, _ head) error {
	var plain struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Resources  []string `json:"resources"`
	}
	return decode(o.node, &plain, true)
}

// object files one object by its kind.
func (m *Model) object(o meta, h head) error {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	switch group {
	case "v1":
		if h.Kind == "Service" {
			k := kubeService{meta: o, labels: h.Metadata.Labels}
			err := unmarshal(h.Spec, &k.spec, false)
			m.services = append(m.services, k)
			return err
		}
		m.core(h)
		return nil
	case "discovery.k8s.io":
		e := endpointSlice{meta: o, service: h.Metadata.Labels["kubernetes.io/service-name"]}
		err := decode(o.node, &e.spec, true)
		m.slices = append(m.slices, e)
		return err
	case "networking.k8s.io", "security.istio.io", "networking.istio.io", "gateway.networking.k8s.io":
	case "cilium.io":
		if h.Kind == "CiliumClusterwideNetworkPolicy" {
			return m.clusterwide(o, h)
		}
		switch h.Kind {
		case "CiliumNetworkPolicy":
			if err := add(&m.cilium, ciliumPolicy{meta: o}, h, func(p *ciliumPolicy) any { return &p.spec }); err != nil {
				return err
			}
			return m.cilium[len(m.cilium)-1].understood()
		case "CiliumEnvoyConfig":
			if err := add(&m.envoys, ciliumEnvoy{meta: o}, h, func(e *ciliumEnvoy) any { return &e.spec }); err != nil {
				return err
			}
			return m.envoys[len(m.envoys)-1].read()
		case "CiliumGatewayClassConfig":
			var spec struct {
				Service serviceFacts `json:"service"`
			}
			err := unmarshal(h.Spec, &spec, false)
			m.ciliumConfigs[h.Metadata.Namespace+"/"+h.Metadata.Name] = spec.Service
			return err
		}
		// Its pools, sessions and source addresses decide nothing about who may reach whom; its policies do.
		if !strings.HasSuffix(h.Kind, "Policy") && !strings.HasSuffix(h.Kind, "EnvoyConfig") || h.Kind == "CiliumL2AnnouncementPolicy" ||
			h.Kind == "CiliumEgressGatewayPolicy" {
			return nil
		}
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	case "projectcalico.org", "operator.tigera.io":
		return calico(h)
	case "extensions.istio.io", "policy.networking.k8s.io", "crd.projectcalico.org":
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	default:
		return nil
	}
	var err error
	switch group + "/" + h.Kind {
	case "networking.k8s.io/NetworkPolicy":
		err = add(&m.network, networkPolicy{meta: o}, h, func(p *networkPolicy) any { return &p.spec })
	case "security.istio.io/PeerAuthentication":
		err = add(&m.peers, peerAuthentication{meta: o}, h, func(p *peerAuthentication) any { return &p.spec })
	case "security.istio.io/AuthorizationPolicy":
		err = add(&m.authz, authorizationPolicy{meta: o}, h, func(p *authorizationPolicy) any { return &p.spec })
		if err == nil {
			err = m.authz[len(m.authz)-1].understood()
		}
	case "security.istio.io/RequestAuthentication":
		err = add(&m.tokens, requestAuthentication{meta: o}, h, func(p *requestAuthentication) any { return &p.spec })
	case "networking.istio.io/EnvoyFilter":
		var f envoyFilter
		if err = unmarshal(h.Spec, &f, true); err == nil {
			err = f.understood()
		}
	case "networking.istio.io/Sidecar":
		err = add(&m.sidecars, sidecar{meta: o}, h, func(p *sidecar) any { return &p.spec })
		if err == nil {
			err = m.sidecars[len(m.sidecars)-1].understood()
		}
	case "networking.istio.io/ServiceEntry":
		err = add(&m.entries, serviceEntry{meta: o, labels: h.Metadata.Labels}, h, func(p *serviceEntry) any { return &p.spec })
	case "networking.istio.io/WorkloadEntry":
		err = add(&m.machines, workloadEntry{meta: o}, h, func(p *workloadEntry) any { return &p.spec })
	case "networking.istio.io/VirtualService":
		err = add(&m.virtual, virtualService{meta: o}, h, func(p *virtualService) any { return &p.spec })
		if err == nil {
			err = m.virtual[len(m.virtual)-1].understood()
		}
	case "networking.istio.io/Gateway":
		err = add(&m.gateways, gateway{meta: o}, h, func(p *gateway) any { return &p.spec })
	case "networking.istio.io/DestinationRule":
		err = add(&m.rules, destinationRule{meta: o}, h, func(p *destinationRule) any { return &p.spec })
		if err == nil {
			err = m.rules[len(m.rules)-1].understood()
		}
	case "gateway.networking.k8s.io/Gateway":
		err = add(&m.apiGates, apiGateway{meta: o, labels: h.Metadata.Labels}, h, func(p *apiGateway) any { return &p.spec })
	case "gateway.networking.k8s.io/GatewayClass": // who deploys, and for Cilium what the Service is like
		var c ciliumClass
		if err = unmarshal(h.Spec, &c, false); err == nil && c.ControllerName == "io.cilium/gateway-controller" {
			m.ciliumClasses[h.Metadata.Name] = c
		}
	case "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io/TCPRoute", "gateway.networking.k8s.io/UDPRoute":
		err = add(&m.routes, httpRoute{meta: o}, h, func(p *httpRoute) any { return &p.spec })
	case "gateway.networking.k8s.io/GRPCRoute": // of requests of gRPC to a Service: all of them go where it says
		err = add(&m.routes, httpRoute{meta: o}, h, func(p *httpRoute) any { return &p.spec })
	default:
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	}
	if err != nil {
		return fmt.Errorf("%s %s/%s: %w", h.Kind, h.Metadata.Namespace, h.Metadata.Name, err)
	}
	return nil
}

// add decodes a specification strictly and files its object.
func add[T any](list *[]T, obj T, h head, spec func(*T) any) error {
	if len(h.Spec) > 0 {
		if err := unmarshal(h.Spec, spec(&obj), true); err != nil {
			return err
		}
	}
	*list = append(*list, obj)
	return nil
}

// core takes the labels of namespaces and the data of ConfigMaps.
func (m *Model) core(h head) {
	switch h.Kind {
	case "Namespace":
		m.namespaces[h.Metadata.Name] = h.Metadata.Labels
		m.injected[h.Metadata.Name] = h.Metadata.Annotations[linkerdInject]
	case "ConfigMap":
		m.config[h.Metadata.Namespace+"/"+h.Metadata.Name] = h.Data
	}
}
