"""The softphone page: native ES modules and web components, served by `gateway.api` as it lies here."""
