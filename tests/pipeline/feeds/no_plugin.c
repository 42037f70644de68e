/* A module that is no feed plugin: it lacks the entry. For plugin_host_test. */
int no_plugin_at_all;
