"""The web application firewall in front of the API."""

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from cdk.constructs.gateway_responses import problem
from cdk.constructs.operations import Operations

_COUNTED_RULES = {
    "SizeRestrictions_BODY": "its limit is 8 KB, but 64 texts of 10,000 characters are allowed",
    "CrossSiteScripting_BODY": "reviews quote HTML; texts are classified and never shown as HTML",
}
"""Rules of the common set that only count matches, and why they do not block."""
_TOO_LARGE_PATTERN = "^([5-9][0-9]{6}|[0-9]{8,})$"
"""Content-Length of 5 MB or more. Services accept at most 4 MB, and Lambda events of 6 MB."""
_RATE_MINUTES = 5
_SECRET_HEADERS = ("authorization", "x-api-key", "x-amz-security-token")


class Firewall(Construct):
    """A regional web ACL with AWS's rules and two of ours; blocked requests are logged.

    Its responses are problems in JSON, with the only JSON media type that WAF supports.
    """

    def __init__(self, scope: Construct, construct_id: str, *, operations: Operations) -> None:
        super().__init__(scope, construct_id)
        name = operations.environment.stage_name
        # an address has the same limit as an API key
        address_limit = operations.environment.read_rate * _RATE_MINUTES * 60
        rules = [
            _size_rule(),
            _rate_rule(address_limit),
            _managed_rule("AWSManagedRulesCommonRuleSet", counted=tuple(_COUNTED_RULES)),
            _managed_rule("AWSManagedRulesKnownBadInputsRuleSet"),
        ]
        self.acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility(name),
            custom_response_bodies={
                "too_large": _response_body(413, "too_large", "The body is larger than 5 MB."),
                "throttled": _response_body(
                    429, "throttled", "Too many requests from this address."
                ),
            },
            rules=[_with_priority(rule, priority) for priority, rule in enumerate(rules)],
        )
        self._log_blocked(operations, name)

    def protect(self, arn: str) -> waf.CfnWebACLAssociation:
        """Attach the firewall to a stage of an API."""
        return waf.CfnWebACLAssociation(
            self, "Association", resource_arn=arn, web_acl_arn=self.acl.attr_arn
        )

    def _log_blocked(self, operations: Operations, name: str) -> None:
        # WAF requires this prefix
        group = operations.named_log_group(self, "Logs", f"aws-waf-logs-{name}")
        blocked = {"ActionCondition": {"Action": "BLOCK"}}
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.acl.attr_arn,
            # the ARN attribute of the group ends in ":*", which WAF rejects
            log_destination_configs=[
                Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in _SECRET_HEADERS
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [blocked]}
                ],
            },
        )


def _with_priority(rule: dict[str, Any], priority: int) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        priority=priority, visibility_config=_visibility(rule["name"]), **rule
    )


def _visibility(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )


def _response_body(status: int, code: str, detail: str) -> waf.CfnWebACL.CustomResponseBodyProperty:
    return waf.CfnWebACL.CustomResponseBodyProperty(
        content=problem(status, code, detail), content_type="APPLICATION_JSON"
    )


def _block_action(status: int, body_key: str) -> waf.CfnWebACL.RuleActionProperty:
    return waf.CfnWebACL.RuleActionProperty(
        block=waf.CfnWebACL.BlockActionProperty(
            custom_response=waf.CfnWebACL.CustomResponseProperty(
                response_code=status, custom_response_body_key=body_key
            )
        )
    )


def _size_rule() -> dict[str, Any]:
    match = waf.CfnWebACL.RegexMatchStatementProperty(
        field_to_match=waf.CfnWebACL.FieldToMatchProperty(single_header={"Name": "content-length"}),
        regex_string=_TOO_LARGE_PATTERN,
        text_transformations=[waf.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
    )
    return {
        "name": "TooLong",
        "statement": waf.CfnWebACL.StatementProperty(regex_match_statement=match),
        "action": _block_action(413, "too_large"),
    }


def _rate_rule(requests: int) -> dict[str, Any]:
    rate = waf.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP", limit=requests, evaluation_window_sec=_RATE_MINUTES * 60
    )
    return {
        "name": "TooMany",
        "statement": waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
        "action": _block_action(429, "throttled"),
    }


def _managed_rule(name: str, counted: tuple[str, ...] = ()) -> dict[str, Any]:
    count = waf.CfnWebACL.RuleActionProperty(count={})
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count)
            for rule in counted
        ]
        or None,
    )
    return {
        "name": name.removeprefix("AWSManagedRules"),
        "statement": waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        "override_action": waf.CfnWebACL.OverrideActionProperty(none={}),
    }
