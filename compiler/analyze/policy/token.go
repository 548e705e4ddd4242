package policy

import (
	"errors"
	"fmt"
	"slices"
)

// Token is what a caller brings with its requests, signed by whom it says.
type Token struct{ Issuer, Audience string }

// requestAuthentication is a security.istio.io RequestAuthentication.
type requestAuthentication struct {
	meta
	spec struct {
		Selector   *workloadSelector `json:"selector"`
		TargetRefs []targetRef       `json:"targetRefs"`
		JWTRules   []struct {
			Issuer               string   `json:"issuer"`
			Audiences            []string `json:"audiences"` // empty: any
			JWKSURI              string   `json:"jwksUri"`
			ForwardOriginalToken bool     `json:"forwardOriginalToken"`
		} `json:"jwtRules"`
	}
}

// validate tells whether the proxy of a workload takes the token of a request: one that no rule is for it refuses, none
// at all it lets pass. The principal of a good one goes to the policies.
func (m *Model) validate(w *Workload, t *Token) (s Step, principal string) {
	return m.validateAt(w.Namespace+"/"+w.Name, func(r *requestAuthentication) bool {
		return (r.Namespace == w.Namespace || r.Namespace == m.root) && len(r.spec.TargetRefs) == 0 &&
			(r.spec.Selector == nil || subset(r.spec.Selector.MatchLabels, w.Labels))
	}, t)
}

// validateAt is validate with the objects that apply at one proxy.
func (m *Model) validateAt(at string, applies func(*requestAuthentication) bool, t *Token) (s Step, principal string) {
	s = Step{Layer: Tokens, At: at, Effect: Silent, Why: "no token is looked at"}
	for i := range m.tokens {
		r := &m.tokens[i]
		if !applies(r) {
			continue
		}
		if t == nil {
			s.Object, s.Why = r.Object, "the request has no token"
			continue
		}
		s.Object, s.Effect, s.Why = r.Object, Refuse, fmt.Sprintf("no rule takes a token of %s for %s", t.Issuer, t.Audience)
		for k, rule := range r.spec.JWTRules {
			if rule.Issuer == t.Issuer && (len(rule.Audiences) == 0 || slices.Contains(rule.Audiences, t.Audience)) {
				s.Object, s.Effect, s.Why = r.at("spec", "jwtRules", k), Allow, "a rule takes the token"
				return s, t.Issuer + "/subject"
			}
		}
	}
	return s, ""
}

// envoyFilter is a networking.istio.io EnvoyFilter that changes no answer but by the rate of requests.
type envoyFilter struct {
	WorkloadSelector struct {
		Labels map[string]string `json:"labels"`
	} `json:"workloadSelector"`
	TargetRefs    []targetRef `json:"targetRefs"`
	ConfigPatches []struct {
		ApplyTo string `json:"applyTo"`
		Match   any    `json:"match"`
		Patch   struct {
			Operation string `json:"operation"`
			Value     struct {
				Name        string         `json:"name"`
				TypedConfig map[string]any `json:"typed_config"`
			} `json:"value"`
		} `json:"patch"`
	} `json:"configPatches"`
}

// understood refuses every filter but the bound on requests.
func (f *envoyFilter) understood() error {
	for _, p := range f.ConfigPatches {
		if p.ApplyTo != "HTTP_FILTER" || p.Patch.Operation != "INSERT_BEFORE" || p.Patch.Value.Name != "envoy.filters.http.local_ratelimit" {
			return fmt.Errorf("a patch of %s with filter %q is not understood", p.ApplyTo, p.Patch.Value.Name)
		}
	}
	if len(f.ConfigPatches) == 0 || len(f.WorkloadSelector.Labels) == 0 && len(f.TargetRefs) == 0 {
		return errors.New("a filter for nothing, or for every proxy, is not understood")
	}
	return nil
}
