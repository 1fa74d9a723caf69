package template

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// noValue stands for AWS::NoValue: the property is left out.
type noValue struct{}

// stack evaluates a CloudFormation template.
type stack struct {
	values     Values
	parameters map[string]any
	conditions map[string]*yaml.Node
	resources  map[string]*yaml.Node
	order      []string
}

// LoadSAM reads a SAM template.
func LoadSAM(path string, values Values) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t, err := parseSAM(text, values)
	if err != nil {
		return nil, fmt.Errorf("template: %s: %w", path, err)
	}
	t.Path = path
	return t, nil
}

func parseSAM(text []byte, values Values) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	root, err := mapping(&doc)
	if err != nil {
		return nil, err
	}
	s := &stack{values: values, parameters: map[string]any{}}
	if err := s.readParameters(root["Parameters"]); err != nil {
		return nil, err
	}
	if s.conditions, err = mapping(root["Conditions"]); err != nil {
		return nil, err
	}
	if s.resources, err = mapping(root["Resources"]); err != nil {
		return nil, err
	}
	if s.order, err = s.present(keys(root["Resources"])); err != nil {
		return nil, err
	}
	t := &Template{Values: values, Filters: map[string]string{}, build: buildSAM}
	globals, err := s.globals(root["Globals"])
	if err != nil {
		return nil, err
	}
	for _, name := range s.order {
		r, err := s.resource(name, globals)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t.Resources = append(t.Resources, r)
	}
	metadata, err := mapping(root["Metadata"])
	if err != nil {
		return nil, err
	}
	filters, err := mapping(metadata["RelayFilters"])
	for name, node := range filters {
		t.Filters[name] = node.Value
	}
	return t, err
}

func (s *stack) readParameters(n *yaml.Node) error {
	given := map[string]any{"MailFrom": s.values.MailFrom, "MailIdentity": s.values.MailIdentity, "AlarmTopicArn": s.values.AlarmTopic}
	for name, value := range map[string]string{"AlarmOnSkippedItems": s.values.AlarmOnSkippedItems, "AlarmOnSkippedRegion": s.values.AlarmOnSkippedRegion} {
		if value != "" {
			given[name] = value
		}
	}
	all, err := mapping(n)
	if err != nil {
		return err
	}
	for name, node := range all {
		parameter, err := mapping(node)
		if err != nil {
			return err
		}
		switch value, ok := given[name]; {
		case ok:
			s.parameters[name] = value
		case parameter["Default"] != nil:
			if s.parameters[name], err = s.eval(parameter["Default"]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("parameter %s has no default, and Values have none for it", name)
		}
	}
	return nil
}

// globals are the properties that every function gets.
func (s *stack) globals(n *yaml.Node) (map[string]any, error) {
	if n == nil {
		return nil, nil
	}
	v, err := s.eval(n)
	if err != nil {
		return nil, err
	}
	all, _ := v.(map[string]any)
	function, _ := all["Function"].(map[string]any)
	return function, nil
}

// present leaves out the resources whose condition does not hold. A reference to
// one of them is an error, as in CloudFormation.
func (s *stack) present(names []string) ([]string, error) {
	var kept []string
	for _, name := range names {
		parts, err := mapping(s.resources[name])
		if err != nil {
			return nil, err
		}
		if c := parts["Condition"]; c != nil {
			yes, err := s.condition(s.conditions[c.Value])
			if err != nil {
				return nil, fmt.Errorf("%s: condition %s: %w", name, c.Value, err)
			}
			if !yes {
				delete(s.resources, name)
				continue
			}
		}
		kept = append(kept, name)
	}
	return kept, nil
}

func (s *stack) resource(name string, globals map[string]any) (Resource, error) {
	parts, err := mapping(s.resources[name])
	if err != nil {
		return Resource{}, err
	}
	r := Resource{Type: s.kind(name), Name: name, Body: map[string]any{}}
	if r.Type == "AWS::Serverless::Function" {
		for k, v := range globals {
			r.Body[k] = v
		}
	}
	if parts["Properties"] == nil {
		return r, nil
	}
	v, err := s.eval(parts["Properties"])
	if err != nil {
		return r, err
	}
	props, ok := v.(map[string]any)
	if !ok {
		return r, errors.New("properties are no object")
	}
	for k, v := range props {
		r.Body[k] = v
	}
	for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if parts[policy] != nil {
			r.Body[policy] = parts[policy].Value
		}
	}
	return r, nil
}

// kind is the type of a resource.
func (s *stack) kind(name string) string {
	parts, err := mapping(s.resources[name])
	if err != nil || parts["Type"] == nil {
		return ""
	}
	return parts["Type"].Value
}

// eval evaluates a value of the template.
func (s *stack) eval(n *yaml.Node) (any, error) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return nil, fmt.Errorf("line %d: CloudFormation knows no YAML aliases", n.Line)
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		return s.function(n)
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := s.eval(c)
			if err != nil {
				return nil, err
			}
			if v != (noValue{}) {
				list = append(list, v)
			}
		}
		return list, nil
	case n.Kind == yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				return nil, fmt.Errorf("line %d: %s: only the short form of functions is evaluated", n.Line, key)
			}
			v, err := s.eval(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			if v != (noValue{}) {
				object[key] = v
			}
		}
		return object, nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, err)
	}
	if i, ok := v.(int); ok {
		return float64(i), nil
	}
	return v, nil
}

func (s *stack) function(n *yaml.Node) (any, error) {
	fail := func(err error) (any, error) { return nil, fmt.Errorf("line %d: %s: %w", n.Line, n.Tag, err) }
	switch n.Tag {
	case "!Ref":
		v, err := s.ref(n.Value)
		if err != nil {
			return fail(err)
		}
		return v, nil
	case "!GetAtt":
		name, attribute, _ := strings.Cut(n.Value, ".")
		v, err := s.attribute(name, attribute)
		if err != nil {
			return fail(err)
		}
		return v, nil
	case "!Sub":
		if n.Kind != yaml.ScalarNode {
			return fail(errors.New("only a text is evaluated"))
		}
		v, err := s.substitute(n.Value)
		if err != nil {
			return fail(err)
		}
		return v, nil
	case "!If":
		if len(n.Content) != 3 {
			return fail(errors.New("needs three values"))
		}
		yes, err := s.condition(s.conditions[n.Content[0].Value])
		if err != nil {
			return fail(err)
		}
		if yes {
			return s.eval(n.Content[1])
		}
		return s.eval(n.Content[2])
	}
	return fail(errors.New("not evaluated"))
}

var placeholder = regexp.MustCompile(`\$\{([^}!]+)\}`)

// substitute fills in ${Name} and ${Name.Attribute}.
func (s *stack) substitute(text string) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name, attribute, dotted := strings.Cut(m[2:len(m)-1], ".")
		v, err := any(nil), error(nil)
		if dotted {
			v, err = s.attribute(name, attribute)
		} else {
			v, err = s.ref(name)
		}
		if err != nil {
			failed = errors.Join(failed, err)
		}
		return fmt.Sprint(v)
	})
	return out, failed
}

func (s *stack) condition(n *yaml.Node) (bool, error) {
	if n == nil {
		return false, errors.New("no such condition")
	}
	switch {
	case n.Tag == "!Not" && len(n.Content) == 1:
		v, err := s.condition(n.Content[0])
		return !v, err
	case n.Tag == "!Equals" && len(n.Content) == 2:
		a, err1 := s.eval(n.Content[0])
		b, err2 := s.eval(n.Content[1])
		return a == b, errors.Join(err1, err2)
	}
	return false, fmt.Errorf("line %d: condition %s is not evaluated", n.Line, n.Tag)
}

// mapping is an object's members. A nil node has none.
func mapping(n *yaml.Node) (map[string]*yaml.Node, error) {
	if n == nil {
		return nil, nil
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: not an object", n.Line)
	}
	all := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		all[n.Content[i].Value] = n.Content[i+1]
	}
	return all, nil
}

// keys are an object's names, in the order of the text.
func keys(n *yaml.Node) []string {
	var all []string
	if n != nil {
		for i := 0; i < len(n.Content); i += 2 {
			all = append(all, n.Content[i].Value)
		}
	}
	return all
}
