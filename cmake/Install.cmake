# cmake --install BUILD --prefix P: the programs find what is theirs beside themselves, wherever P is
# (ProgramFiles::BesideProgram), and each other's libraries by $ORIGIN.
#
# Components: gateway (what a site runs), demo (the simulated city), client (what integrators build
# against: C++ library, plugin ABI, wire contract).
include(CMakePackageConfigHelpers)

set(share share/fusion-gateway)
set(headers include/fusiongateway)

install(TARGETS fusion-gateway fusion-gateway-worker RUNTIME DESTINATION bin COMPONENT gateway)
install(TARGETS demo-city RUNTIME DESTINATION bin COMPONENT demo)
foreach(plugin police110 sky_guard hazmat grid report)
  install(TARGETS feed_${plugin} LIBRARY DESTINATION lib/fusion-gateway/feeds COMPONENT gateway)
endforeach()
install(DIRECTORY config/tables/ DESTINATION ${share}/tables COMPONENT gateway
        FILES_MATCHING PATTERN *.json)
install(DIRECTORY ${WALL_WEB_ROOT}/ DESTINATION ${share}/web COMPONENT gateway)
install(FILES config/example.yaml DESTINATION ${share} COMPONENT gateway)

# The wire contract's library serves all three.
install(TARGETS fusiongateway_proto EXPORT FusionGatewayTargets
        LIBRARY DESTINATION lib COMPONENT gateway NAMELINK_COMPONENT client)
install(TARGETS fusiongateway_client_shared EXPORT FusionGatewayTargets
        LIBRARY DESTINATION lib COMPONENT client)

# All headers under one root of our own, so that their names stay what they are in this tree.
foreach(header
    clients/cpp/outbox.h clients/cpp/peer_socket.h clients/cpp/publisher.h
    clients/cpp/stream_consumer.h clients/cpp/system_time.h
    fusion/base/status.h fusion/base/time.h plugins/abi/feed_plugin.h)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${headers}/${folder} COMPONENT client)
endforeach()
install(DIRECTORY ${CMAKE_BINARY_DIR}/proto/generated/fusiongateway DESTINATION ${headers}
        COMPONENT client FILES_MATCHING PATTERN *.pb.h)
install(DIRECTORY proto/fusiongateway DESTINATION ${share}/proto COMPONENT client
        FILES_MATCHING PATTERN *.proto)

set(package lib/cmake/FusionGateway)
install(EXPORT FusionGatewayTargets NAMESPACE FusionGateway:: DESTINATION ${package}
        COMPONENT client)
configure_package_config_file(cmake/FusionGatewayConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/FusionGatewayConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/FusionGatewayConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/FusionGatewayConfig.cmake
              ${CMAKE_BINARY_DIR}/FusionGatewayConfigVersion.cmake
        DESTINATION ${package} COMPONENT client)
