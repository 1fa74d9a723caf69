package enginetest

// ofDynoxide is what dynoxide 1.2.1 does otherwise than AWS documents. The rules
// are of the chapters on names and data types, on quotas and on transactions
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
var ofDynoxide = func() map[string]string {
	const (
		names        = "takes any attribute name; a name has at least 1 character and less than 64 KB"
		sets         = "does not look at the sets of conditions; a set is not empty, and its values are unique"
		innermost    = "counts the innermost map or list only if it holds something"
		placeholders = "takes placeholders of any length; they have up to 255 characters"
		substituted  = "does not limit what placeholders stand for; they stand for up to 2 MB"
		zeros        = "does not look at the exponent of a zero; AWS does"
		deep         = "looks at the depth of an expression's value; AWS does in some regions only"
		maps         = "takes empty maps of names and values; they must not be empty"
		token        = "counts the bytes of a token; it has 1 to 36 characters"
		paths        = "does not look at the paths of an update; they must not overlap, nor be of the key"
	)
	return map[string]string{
		"TestPayloadsThatAMapCanNotHold/empty_key":           names,
		"TestPayloadsThatAMapCanNotHold/key_of_65,536_bytes": names,

		"TestExpressions/empty_name":               names,
		"TestExpressions/name_of_65,536_bytes":     names,
		"TestExpressions/placeholder_of_256_bytes": placeholders,
		"TestExpressions/value's_of_256_bytes":     placeholders,
		"TestExpressions/a_byte_more":              substituted,
		"TestExpressions/empty_names":              maps,
		"TestExpressions/empty_values":             maps,
		"TestExpressions/empty_update":             "takes an update expression without an action",
		"TestExpressions/value_not_defined":        "looks only at the values that it compares",

		"TestGrammarIsLeftToDynamoDB/paths_that_overlap": paths,
		"TestGrammarIsLeftToDynamoDB/part_of_the_key":    paths,

		"TestTransactions/two_operations":         "does one of two operations of an action; an action has one operation",
		"TestTransactions/ARN":                    "knows no ARN of a table; it may stand for the name",
		"TestTransactions/returns_the_new":        "takes any value; an action returns NONE or ALL_OLD",
		"TestTransactions/empty_token":            "takes an empty token; it has 1 to 36 characters",
		"TestTransactions/token_of_36_characters": token,
		"TestTransactions/token_of_19_emoji":      token,
		"TestTransactions/token_of_18_emoji":      token,

		"TestValues/attribute_of_65,536_bytes":            names,
		"TestValues/attribute_without_a_name":             names,
		"TestValues/*/name_of_65,536_bytes":               names,
		"TestValues/*/name_of_65,536_bytes,_characters":   names,
		"TestValues/*/empty_name":                         names,
		"TestValues/*/empty_name_in_a_list":               names,
		"TestValues/condition/empty_set*":                 sets,
		"TestValues/condition/*_twice":                    sets,
		"TestValues/condition/text_twice_in_a_list":       sets,
		"TestValues/condition/*_in_two_spellings":         sets,
		"TestValues/condition/texts_that_are_sent_as_one": sets,

		"TestValues/31_*_around_an_empty_*_in_an_item":          innermost,
		"TestValues/3[23]_maps_in_a_condition":                  deep,
		"TestValues/32_lists_around_an_empty_list_in_condition": deep,
		"TestValues/*/exponent_beyond_32_bits":                  "reads an exponent into 32 bits; a number has up to 9.99E+125",
		"TestValues/*/zero_with_one_*":                          zeros,
		"TestExpressions/*_without_an_expression":               "refuses placeholders without an expression; AWS may take them, in some regions at least",
	}
}()
